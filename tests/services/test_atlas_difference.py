"""services/atlas/difference.py: gains and subspaces of two atlases, computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from playground.errors import InputError
from playground.library.atlas import Atlas
from playground.library.origin import Origin, now
from playground.services.atlas.difference import PairDifference, changed_most, difference, difference_colours

EYE = torch.eye(4)


def atlas(vectors, values, pairs=((0, 1), (0, 2)), **origin) -> Atlas:
    of = {"model": "m", "width": 4, "block_count": 3, "prompts": ("Hi",), "target_tokens": 2, **origin}
    return Atlas(
        pairs=torch.tensor(pairs),
        singular_values=torch.tensor(values),
        vectors=torch.stack(vectors),
        converged=torch.ones(len(pairs), dtype=torch.bool),
        residual_norms=torch.ones(of["block_count"]),
        origin=Origin(source=0, target=2, method="power", residual_norm=1.0, created=now(), **of),
    )


def test_gains_by_their_logarithms_and_subspaces_by_their_angle():
    first = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]])
    turned = torch.stack([EYE[0], (EYE[1] + EYE[2]) / math.sqrt(2)])
    second = atlas([EYE[[1, 0]], turned], [[8.0, 4.0], [2.0, 8.0]])
    found = difference(first, second)
    assert found[0, 1].log_ratio == pytest.approx(math.log(2))
    assert found[0, 1].angle == pytest.approx(0, abs=1e-4), "signs and order within the subspace do not count"
    assert found[0, 2].log_ratio == pytest.approx(0)
    assert found[0, 2].angle == pytest.approx(30)  # root mean square of cosines 1 and √½


def test_what_only_one_has_is_left_out_and_the_smaller_count_compared():
    first = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]])
    second = atlas([EYE[:1]], [[4.0]], pairs=((0, 1),))
    assert {pair: (each.log_ratio, each.angle) for pair, each in difference(first, second).items()} == {(0, 1): (0, 0)}


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ({"block_count": 4}, "two models of one architecture"),
        ({"prompts": ("Ho",)}, "same prompts"),
        ({"target_tokens": 1}, "same prompts"),
        ({"chat": False}, "same prompts"),
    ],
)
def test_refuses_what_cannot_be_compared(origin, message):
    first = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]])
    second = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]], **origin)
    with pytest.raises(InputError, match=message):
        difference(first, second)


def test_refuses_the_same_atlas_twice():
    first = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]])
    with pytest.raises(InputError, match="got the same vectors and gains"):
        difference(first, replace(first, name="a copy of the file"))


def test_its_numbers_are_colours_of_the_atlas():
    found = {(0, 1): PairDifference(0.5, 10.0), (0, 2): PairDifference(-0.25, 40.0)}
    colours = difference_colours(found)
    shown = atlas([EYE[:2], EYE[:2]], [[4.0, 2.0], [8.0, 2.0]])
    assert colours["angle"].of(shown) == {(0, 1): 10.0, (0, 2): 40.0}
    assert colours["log-ratio"].of(shown) == {(0, 1): 0.5, (0, 2): -0.25}
    assert colours["log-ratio"].diverging


def test_the_pairs_that_changed_most_are_named():
    found = {(0, 1): PairDifference(0.5, 10.0), (0, 2): PairDifference(-0.25, 40.0), (1, 2): PairDifference(0.1, 20.0)}
    said = changed_most(found)
    assert said == (
        "3 pairs compared, half of them 20° apart or less: directions turned most at 0 → 2 (40°), 1 → 2 (20°), "
        "0 → 1 (10°); gains grew most at 0 → 1 (+0.50) and fell most at 0 → 2 (−0.25), as ln ratio."
    )
    assert "gains are the same" in changed_most({(0, 1): PairDifference(0.0, 1.0)})
    assert "fell" not in changed_most({(0, 1): PairDifference(0.1, 1.0)})


def test_refuses_atlases_without_a_pair_in_common():
    first = atlas([EYE[:2]], [[4.0, 2.0]], pairs=((0, 1),))
    second = replace(first, pairs=torch.tensor([[0, 2]]))
    with pytest.raises(InputError, match="share a pair"):
        difference(first, second)
