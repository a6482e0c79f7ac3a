"""The scale strip of Steer: what it asks for, and where a click sets the slider."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import Origin, now
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.services.strip import strip_of
from playground.ui.kit.mix import MixRow
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.form import SteerForm
from playground.ui.steer.state import SteerState, WrittenStrip
from playground.ui.steer.strip import go_to, write_strip

FOUND = ScaleWindow(0.5, 4.0, 2.0, 6.4)
FORM = SteerForm("Hello", "chat", "", False, "all", "a", "b", 8, 0.0, 1.0, 1, 0, False, False, False)


def vector_set() -> VectorSet:
    origin = Origin(
        model="tiny", width=4, block_count=4, source=1, target=3, method="melbo", residual_norm=10.0, created=now()
    )
    return VectorSet(3 * torch.eye(4), origin, name="a").with_windows({(0, 1): FOUND, (0, -1): FOUND})


@pytest.fixture
def page():
    """(frame, tab, visitor) with a mix of row 1 of another set and row 0 of this one, whose strip is written."""
    visitor, given = Visitor("a"), vector_set()
    state = SteerState.of(visitor)
    state.mix.show([MixRow("other", "1", scale=0.1), MixRow("a", "0", scale=0.1)])
    state.strip = WrittenStrip("a", 0, strip_of(given, 0))
    frame = SimpleNamespace(load_set=lambda visitor: {"a": given}.__getitem__)
    return frame, SimpleNamespace(drawn=lambda frame, visitor: {"drawn": True}), visitor


def scale(visitor: Visitor) -> float:
    return SteerState.of(visitor).mix.rows[1].scale


def test_a_click_sets_the_slider_of_its_vector_in_the_unit_of_the_slider(page) -> None:
    frame, tab, visitor = page
    assert go_to(frame, tab, visitor, "1.5") == {"drawn": True}
    assert scale(visitor) == pytest.approx(0.3)
    mix = SteerState.of(visitor).mix
    mix.rows[1] = replace(mix.rows[1], native=True)
    go_to(frame, tab, visitor, "-0.5")
    assert scale(visitor) == pytest.approx(-1 / 3)
    mix.rows[1] = replace(mix.rows[1], native=False, absolute=True)
    go_to(frame, tab, visitor, "1")
    assert scale(visitor) == pytest.approx(2.0)
    assert mix.rows[0].scale == 0.1
    assert mix.step_back(False, lambda name: vector_set())
    assert scale(visitor) == pytest.approx(-1 / 3)  # a click is a step that can be undone


@pytest.mark.parametrize("multiple", ["2", "", "nan", "1; drop"])
def test_a_cell_that_is_not_there_is_refused(page, multiple: str) -> None:
    with pytest.raises(InputError, match="Expected a cell of the scale strip"):
        go_to(*page, multiple)


def test_a_vector_that_has_left_the_mix_is_named(page) -> None:
    SteerState.of(page[2]).mix.show([MixRow("a", "2")])
    with pytest.raises(InputError, match="Expected vector 0 of a in the mix"):
        go_to(*page, "1")


@pytest.mark.parametrize("mix", [(), (MixRow("a", "0"), MixRow("a", "1")), (MixRow("a", "first"),)])
def test_a_mix_of_no_several_or_averaged_vectors_has_no_strip(page, mix) -> None:
    with pytest.raises(InputError, match="Expected a mix of one vector"):
        list(write_strip(*page, replace(FORM, mix=mix)))
