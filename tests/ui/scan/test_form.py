"""ui/scan_form: the scales that Scan opens with."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from playground.library.origin import Origin, now
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.ui.scan.form import suggested_scales

ORIGIN = Origin(model="m", width=4, block_count=4, source=1, method="random", residual_norm=50.0, created=now())
PLAIN = VectorSet(torch.eye(4)[:2], ORIGIN)
CALIBRATED = PLAIN.with_windows({(1, -1): ScaleWindow(2.0, None, 4.0, 8.0)})
ORGANISM, MODEL = SimpleNamespace(name="organism"), SimpleNamespace(name="m")


def test_scales_to_suggested_scales_are_multiples_of_the_found_ones_where_there_are_any():
    assert suggested_scales(MODEL, CALIBRATED) == suggested_scales(ORGANISM, CALIBRATED) == ("f", "0.5 1")
    assert suggested_scales(MODEL, PLAIN) == ("r", "0.1 0.2")
    assert suggested_scales(ORGANISM, PLAIN) == suggested_scales(None, None) == ("r", "0.3 0.5")


def test_a_chosen_unit_gets_scales_of_that_unit():
    assert suggested_scales(MODEL, CALIBRATED, "r") == ("r", "0.1 0.2")
    assert suggested_scales(MODEL, CALIBRATED, "a") == ("a", "5 10")
    assert suggested_scales(MODEL, PLAIN, "f") == ("f", "0.5 1")
