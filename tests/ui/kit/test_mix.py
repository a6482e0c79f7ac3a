"""Rows of the mix and recipes: each becomes the other without loss."""

from __future__ import annotations

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.recipe import format as format_recipe
from playground.library.recipe import parse
from playground.library.vector_set import Origin, VectorSet
from playground.ui.kit.mix import mix_of, recipe_of


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


@pytest.mark.parametrize("recipe", ["a#0@ablate", "a#span:0-2@ablate", "a#0@cap=2"])
def test_what_the_mixer_cannot_show_is_said(recipe: str) -> None:
    with pytest.raises(InputError, match="Expected a recipe that only adds, which the mixer can show"):
        mix_of(parse(recipe), load)
