"""Rows of the mix and recipes: each becomes the other without loss."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.recipe import format as format_recipe
from playground.library.recipe import parse
from playground.library.vector_set import Origin, VectorSet
from playground.ui.kit.mix import MixRow, mix_of, recipe_of
from playground.ui.kit.pick import RANGE


def load(name: str) -> VectorSet:
    origin = Origin(
        model="tiny", width=4, block_count=4, source=1, method="melbo", residual_norm=14.270931, created=now()
    )
    return VectorSet(1.7 * torch.eye(4), origin, name=name)


@pytest.mark.parametrize(
    "recipe",
    ["a#3@4.2813", "a#0@-0.0071355", "a#mean:1-3@-1.5", "a#2@7.1355,b#mean:0-4@0.25,b#1@-11", "a#mean:0-4@-16.334"],
)
def test_the_mixer_adds_what_the_recipe_added(recipe: str) -> None:
    assert format_recipe(recipe_of(mix_of(parse(recipe), load), load)) == recipe


@pytest.mark.parametrize(
    "recipe",
    ["a#0@ablate", "a#span:0-2@ablate:1-3", "a#0@cap=2.1", "a#mean:0-3@floor=-1.5:2", "a#3@4.2813:0-2,b#1@cap=0"],
)
def test_what_rows_take_out_hold_and_where_comes_back(recipe: str) -> None:
    assert format_recipe(recipe_of(mix_of(parse(recipe), load), load)) == recipe


def test_an_average_that_is_ablated_has_no_row() -> None:
    with pytest.raises(InputError, match="ablate the span of these rows"):
        mix_of(parse("a#mean:0-2@ablate"), load)


@pytest.mark.parametrize("changes", [{"operation": "burn"}, {"blocks": "4-"}, {"blocks": "3-2"}, {"operation": None}])
def test_an_operation_and_blocks_that_are_none_are_refused(changes) -> None:
    row = replace(MixRow("a", "0", scale=0.1), **changes)
    with pytest.raises(InputError, match="Expected"):
        recipe_of([row], load)
    assert "Expected" in row.strip(load)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (MixRow("a", "0", operation="ablate", blocks="1-3"), "what lies along it is taken out · at blocks 1-3"),
        (MixRow("a", RANGE, operation="ablate"), "what lies along these rows is taken out"),
        (MixRow("a", "0", scale=-0.25, operation="cap", mute=True), "kept at −0.25 r along it at most · muted"),
        (MixRow("a", "0", scale=0.25, operation="floor"), "kept at 0.25 r along it at least"),
        (MixRow("a", "0", scale=0.25, blocks="2"), "at block 2"),
    ],
)
def test_the_small_print_says_what_a_row_does(row: MixRow, said: str) -> None:
    assert said in re.sub("<[^>]*>", "", row.strip(load))
