"""Limits of requests: which are in force, where, and what they refuse before anything is computed."""

from __future__ import annotations

import threading
from dataclasses import fields, replace

import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import MeasuredVector
from playground.analyses.exact.run import ExactRequest
from playground.errors import InputError
from playground.library.origin import Origin, now
from playground.library.prompt_set import ChoiceItem, ExactItem, PromptSet
from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.limits import LIMITS, PUBLIC, check_whole, limits, stored, tightened
from playground.methods.base.registry import method_of, registered
from playground.methods.base.request import find_request
from playground.model.conversation import Turn
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.band import BandRequest
from playground.services.effect import EffectRequest
from playground.services.generate import GenerateRequest
from playground.services.linearity import LinearityRequest
from playground.services.scales.run import ScalesRequest
from playground.services.scan.request import ScanRequest

HUGE = 10**9
RECIPE = Recipe((Component("a", row=0, amount=1.0),))
CHOICES = PromptSet("c", "", "", "choices", (ChoiceItem("Is it?", "Yes", "No"),))
SUMS = PromptSet("s", "", "", "exact", (ExactItem("1 + 1?", "2"),))
VECTORS = (MeasuredVector("a", row=0),)


def find(method="melbo", **changes):
    return find_request(**{"method": method, "prompts": ("Hi",), "source": 0, "target": 2, **changes})


def band(budget: int, prompts: int = 1) -> BandRequest:
    origin = Origin(model="m", width=2, block_count=2, source=0, method="random", residual_norm=1.0, created=now())
    rows = VectorSet(torch.eye(2), origin, name="a")
    search = PromptSet("p", "", "", "prompts", tuple(map(str, range(prompts))))
    held_out = PromptSet("h", "", "", "prompts", ("Hi",))
    return BandRequest(source_set=rows, rows=(0, 1), target="kl", search=search, held_out=held_out, budget=budget)


def long_sampling(tokens: int) -> Sampling:
    return Sampling(max_new_tokens=tokens, temperature=1.0)


OVER = {
    "vectors": lambda: find(vectors=HUGE),
    "restarts": lambda: find(restarts=HUGE),
    "steps": lambda: find(steps=HUGE),
    "starts": lambda: find(vectors=LIMITS.vectors, restarts=LIMITS.restarts),
    "passes": lambda: find(vectors=LIMITS.vectors, restarts=8, steps=LIMITS.steps, prompts=("Hi",) * 100),
    "copies": lambda: find("ortho", base="a#0@1", vectors=HUGE),
    "batch": lambda: find("ortho", base="a#0@1", batch=HUGE),
    "columns": lambda: find("power", block=HUGE),
    "target tokens": lambda: find(target_tokens=HUGE),
    "prompts": lambda: find(prompts=("Hi",) * (LIMITS.prompts + 1)),
    "a long prompt": lambda: find(prompts=("x" * (LIMITS.prompt_characters + 1),)),
    "prompts together": lambda: find(prompts=("x" * 190_000,) * 60),
    "prompts padded": lambda: find(prompts=("x" * 100_000, *("x",) * 600)),
    "the other side": lambda: find("difference", against=("x" * (LIMITS.prompt_characters + 1),)),
    "an answer": lambda: find("difference", answers=(("x" * (LIMITS.answer_characters + 1), "y"),)),
    "a system prompt": lambda: PromptFormat(system="x" * (LIMITS.system_characters + 1)),
    "turns": lambda: PromptFormat(turns=(Turn("user", "a"), Turn("assistant", "b")) * LIMITS.turns),
    "a turn": lambda: Turn("user", "x" * (LIMITS.prompt_characters + 1)),
    "new tokens": lambda: Sampling(max_new_tokens=HUGE),
    "samples": lambda: GenerateRequest(prompts=("Hi",), samples=HUGE),
    "rows": lambda: GenerateRequest(prompts=("Hi",) * 9, samples=200, sampling=Sampling(temperature=1.0)),
    "rows × tokens": lambda: GenerateRequest(prompts=("Hi",) * 256, sampling=long_sampling(LIMITS.new_tokens)),
    "controls": lambda: GenerateRequest(prompts=("Hi",), recipes=(RECIPE,), controls=HUGE),
    "a prompt of Generate": lambda: GenerateRequest(prompts=("x" * 10_000_000,)),
    "components": lambda: Recipe(RECIPE.components * (LIMITS.components + 1)),
    "controls of an effect": lambda: EffectRequest(prompt="Hi", controls=HUGE),
    "readings of an effect": lambda: EffectRequest(prompt="Hi", controls=32, multipliers=tuple(range(101))),
    "answers of an effect": lambda: EffectRequest(prompt="Hi", answers=("x" * (LIMITS.answer_characters + 1), "y")),
    "cells": lambda: ScanRequest(source="a", rows=tuple(range(LIMITS.cells)), prompts=("Hi",)),
    "samples of a scan": lambda: ScanRequest(source="a", prompts=("Hi",), samples=HUGE),
    "scales of a scan": lambda: ScanRequest(source="a", prompts=("Hi",), scales=tuple(range(1, 99))),
    "tokens of a scan": lambda: ScanRequest(
        source="a", rows=tuple(range(1000)), prompts=("Hi",), sampling=long_sampling(LIMITS.new_tokens)
    ),
    "scales": lambda: MeasureRequest(choices=CHOICES, vectors=VECTORS, scales=tuple(range(102))),
    "measured controls": lambda: MeasureRequest(choices=CHOICES, vectors=VECTORS, scales=(1.0,), controls=HUGE),
    "pushes": lambda: MeasureRequest(choices=CHOICES, vectors=VECTORS, scales=tuple(range(101)), controls=8000),
    "measured texts": lambda: ExactRequest(
        questions=replace(SUMS, items=SUMS.items * 200), vectors=VECTORS, scales=tuple(range(99)), controls=100
    ),
    "measured tokens": lambda: ExactRequest(
        questions=SUMS, vectors=VECTORS, scales=(1.0, 2.0), controls=1000, sampling=long_sampling(LIMITS.new_tokens)
    ),
    "looks": lambda: ScalesRequest(texts=HUGE),
    "prompts of looks": lambda: ScalesRequest(prompts=HUGE),
    "tokens of looks": lambda: ScalesRequest(tokens=HUGE),
    "evaluations": lambda: band(budget=HUGE),
    "readings of a band": lambda: band(budget=LIMITS.evaluations, prompts=21),
    "radii": lambda: LinearityRequest(source_set="a", relative_radii=tuple(range(1, 66))),
}  # fmt: skip


@pytest.mark.parametrize("what", OVER)
def test_more_than_the_limit_is_refused_in_one_sentence_when_the_request_is_built(what):
    with pytest.raises(InputError) as refused:
        OVER[what]()
    assert str(refused.value).count("Expected") == 1
    assert len(str(refused.value)) < 300


def test_public_limits_are_in_no_number_wider_and_in_most_tighter():
    pairs = [(getattr(PUBLIC, one.name), getattr(LIMITS, one.name)) for one in fields(LIMITS)]
    assert all(tight <= wide for tight, wide in pairs)
    assert sum(tight < wide for tight, wide in pairs) > len(pairs) * 0.8


def test_what_the_page_opens_with_fits_the_public_limits():
    with tightened(PUBLIC):
        for method in registered().values():
            for preset in method.presets:
                values = {"base": "a#0@1"} if method.name == "ortho" else {}
                sides = {"against": ("Ho",) * 12} if method.reads.sides > 1 else {}
                find(method.name, prompts=("Hi there",) * 12, **values, **sides, **preset.values)
        ScanRequest(source="a", rows=tuple(range(12)), prompts=("Hi",) * 3)
        MeasureRequest(
            choices=replace(CHOICES, items=CHOICES.items * 100), vectors=VECTORS, scales=tuple(range(9)), controls=4
        )
        GenerateRequest(prompts=("Hi",), recipes=(RECIPE, RECIPE.negated()), samples=8, controls=1)
        ScalesRequest()


def test_tighter_limits_hold_in_every_thread_and_end_with_the_block():
    seen = []

    def look() -> None:
        seen.append((limits(), method_of("melbo").options["restarts"].bound))

    def public() -> None:
        with tightened(PUBLIC):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            find(restarts=PUBLIC.restarts + 1)

    with pytest.raises(InputError, match=f"from 1 to {PUBLIC.restarts}, got {PUBLIC.restarts + 1}"):
        public()
    assert seen == [(PUBLIC, PUBLIC.restarts)]
    assert limits() is LIMITS
    find(restarts=PUBLIC.restarts + 1)


def test_what_was_computed_before_is_read_under_ordinary_limits():
    with tightened(PUBLIC), stored():
        assert limits() is LIMITS


NO_SUCH_NUMBER = [1.0, True, None, "7", [7], {}, float("nan"), HUGE**555, -(HUGE**555)]


@pytest.mark.parametrize("value", NO_SUCH_NUMBER, ids=lambda value: type(value).__name__)
def test_what_is_no_whole_number_in_range_is_refused_whatever_its_type(value):
    with pytest.raises(InputError, match="^Expected a number of things from 1 to 8, got .*; give a whole number"):
        check_whole("number of things", value, least=1, most=8)
