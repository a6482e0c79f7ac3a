"""services/atlas/colours.py: what cells are coloured by, computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from playground.library.atlas import Atlas
from playground.library.origin import Origin, now
from playground.services.atlas.colours import COLOURS, overlap


@pytest.fixture
def atlas() -> Atlas:
    eye = torch.eye(4)
    turned = torch.stack([eye[0], (eye[1] + eye[2]) / math.sqrt(2)])
    return Atlas(
        pairs=torch.tensor([[0, 1], [0, 2], [1, 2]]),
        singular_values=torch.tensor([[4.0, 2.0], [8.0, 2.0], [6.0, 6.0]]),
        vectors=torch.stack([eye[:2], turned, eye[2:]]),
        converged=torch.tensor([True, True, False]),
        residual_norms=torch.tensor([2.0, 4.0, 16.0]),
        origin=Origin(
            model="m", width=4, block_count=3, source=0, target=2, method="power", residual_norm=2.0, created=now()
        ),
    )


def test_gains_relative_gains_and_decay(atlas):
    assert COLOURS["gain"].of(atlas) == {(0, 1): 4.0, (0, 2): 8.0, (1, 2): 6.0}
    assert COLOURS["relative"].of(atlas) == {(0, 1): 2.0, (0, 2): 1.0, (1, 2): 1.5}
    assert COLOURS["decay"].of(atlas) == {(0, 1): 0.5, (0, 2): 0.25, (1, 2): 1.0}


def test_likeness_to_neighbours_is_known_where_there_is_one(atlas):
    assert COLOURS["next target"].of(atlas) == {(0, 1): pytest.approx(math.sqrt(0.75))}
    assert COLOURS["next source"].of(atlas) == {(0, 2): pytest.approx(math.sqrt(0.25))}


def test_overlap_is_one_for_the_same_span_and_zero_for_orthogonal_ones():
    rows = torch.linalg.qr(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))[0].T
    turned = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0] @ rows
    assert overlap(rows, turned) == pytest.approx(1, abs=1e-6)
    assert overlap(torch.eye(8)[:3], torch.eye(8)[3:6]) == 0
