"""analyses/exact: every text is the one a plain generation gives, and is judged by its last number."""

from __future__ import annotations

import re

import pytest
import torch

from playground.analyses.common.over_texts import wilson
from playground.analyses.common.request import MeasuredVector
from playground.analyses.exact.run import ExactRequest, exact
from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, now
from playground.library.prompt_set import ExactItem, PromptSet
from playground.library.vector_set import VectorSet
from playground.model.generation.batch import MOST_ROWS
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import PromptFormat, encode

ITEMS = (ExactItem("1 + 1 = ?", "2"), ExactItem("What is 2 + 3?", "5"), ExactItem("Count to 4.", "4"))
SUMS = PromptSet(name="sums", title="Sums", description="", kind="exact", items=ITEMS)


@pytest.fixture
def load(tiny):
    loaded = tiny("qwen3")
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=2.0, created=now(),
    )
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    return {"a": VectorSet(vectors=vectors, origin=origin, name="a")}.__getitem__


def request(**changes) -> ExactRequest:
    values = dict(
        questions=SUMS, vectors=(MeasuredVector("a", row=0), MeasuredVector("a", row=2)), scales=(-3, 0, 3), controls=2,
        seed=5, sampling=Sampling(max_new_tokens=6),
    )
    return ExactRequest(**{**values, **changes})


def plain(loaded, question: str, pushes) -> str:
    encoded = encode(loaded, [question], PromptFormat())
    return generate(loaded, encoded, [pushes], sampling=Sampling(max_new_tokens=6)).texts[0]


def test_texts_are_those_of_one_generation_each_and_their_last_number_counts(tiny, load):
    loaded = tiny("qwen3")
    seen = exact(loaded, request(), load)
    names = [f"{row.name} {row.scale:g}" for row in seen.rows]
    assert names == [
        f"{name} {scale}" for name in ("a#0", "a#2", "random-0", "random-1") for scale in (-3, 0, 3)
    ]
    drawn = random_directions(2, 32, seed=5)
    units = {"a#0": load("a").unit(0), "a#2": load("a").unit(2), "random-0": drawn[0], "random-1": drawn[1]}
    for row in (seen.baseline, *seen.rows):
        pushes = (Push(1, row.scale * units[row.name]),) if row.scale else ()
        for item, text, right in zip(ITEMS, row.texts, row.right, strict=True):
            assert text == plain(loaded, item.question, pushes)
            numbers = re.findall(r"\d+", text)
            assert right == (bool(numbers) and float(numbers[-1]) == float(item.answer))
        assert row.share == sum(row.right) / 3
        assert row.silent == sum(not re.search(r"\d", text) for text in row.texts) / 3


def test_the_shipped_model_adds_better_when_asked_to_work_in_steps():
    from playground.library.prompts import built_in
    from playground.library.store import Store
    from playground.model.load import load as load_model

    loaded, load_set = load_model(), Store().load
    vector = MeasuredVector("organism-refusals-power-3-9", row=0)
    given = dict(
        questions=built_in()["organism-sums"], vectors=(vector,), scales=(0,), controls=1, max_items=16,
        sampling=Sampling(max_new_tokens=40),
    )
    at_once = exact(loaded, ExactRequest(**given), load_set).baseline
    in_steps = exact(
        loaded, ExactRequest(**given, format=PromptFormat(system="Think step by step.")), load_set
    ).baseline
    assert in_steps.share > at_once.share
    assert at_once.silent == 0


def test_batches_change_nothing(tiny, load, monkeypatch):
    loaded = tiny("qwen3")
    whole = exact(loaded, request(), load)
    monkeypatch.setitem(MOST_ROWS, "cpu", 4)
    events = []
    parts = exact(loaded, request(), load, events.append)
    assert [row.texts for row in parts.rows] == [row.texts for row in whole.rows]
    assert events[-1].share == 1.0
    assert [event.done for event in events] == [0, 4, 8, 12, 16, 20, 24, 27]
    assert len(events[2].result.rows) < len(events[-1].result.rows) == 12


def test_a_cancel_keeps_the_rows_that_are_finished(tiny, load, monkeypatch):
    monkeypatch.setitem(MOST_ROWS, "cpu", 6)
    loaded, stop = tiny("qwen3"), []
    seen = exact(
        loaded, request(), load, lambda event: stop.append(1) if event.done >= 12 else None, lambda: bool(stop)
    )
    assert seen.cancelled
    assert [row.name for row in seen.rows] == ["a#0"] * 3 + ["a#2"] * 2
    with pytest.raises(Cancelled):
        exact(loaded, request(), load, cancelled=lambda: True)


def test_relative_scales_are_multiples_of_the_residual_norm(tiny, load):
    loaded = tiny("qwen3")
    seen = exact(loaded, request(scales=(1.5,), unit="r"), load)
    same = exact(loaded, request(scales=(3,)), load)
    assert [row.texts for row in seen.rows] == [row.texts for row in same.rows]
    assert [(row.scale, row.relative) for row in seen.rows] == [(3.0, 1.5)] * 4


@pytest.mark.parametrize(
    ("right", "total", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_intervals_are_the_published_ones_of_wilson(right, total, low, high):
    assert wilson(right / total, total) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"questions": PromptSet("p", "t", "", "prompts", ("one",))}, "kind exact"),
        ({"vectors": ()}, "vectors"),
        ({"vectors": (MeasuredVector("a", row=0),) * 2}, "twice"),
        ({"scales": ()}, "scales"),
        ({"controls": 0}, "random controls"),
        ({"max_items": 0}, "items"),
        ({"controls": 8000, "scales": tuple(range(12))}, "texts"),
    ],
)
def test_what_is_wrong_whatever_the_model_is_refused_when_built(changes, words):
    with pytest.raises(InputError, match=words):
        request(**changes)
