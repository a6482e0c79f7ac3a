"""What is kept of a measurement comes back when it is opened; names that are given elsewhere come to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredItem, MeasuredRow, MeasureResult, SideEffect, SideEffects
from playground.analyses.common.document import from_document
from playground.analyses.common.measurements import Measurements
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import MeasuredSet
from playground.analyses.exact.run import ExactRequest, ExactResult
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.errors import InputError
from playground.library.choice_answer import OUTCOMES
from playground.library.origin import RowNote, now
from playground.library.prompt_set import ChoiceItem, ExactItem, PromptSet
from playground.library.reply_patterns import ReplyPattern
from playground.library.store import Store
from playground.library.vector_set import Origin, VectorSet
from playground.services.session import Workbench
from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import layout as measure_layout
from playground.ui.measure import tables as measure_tables
from playground.ui.measure.current import (
    judged,
    look_at,
    relabelled,
    relabelled_outputs,
    shown,
    shown_again,
    shown_again_outputs,
)
from playground.ui.measure.state import MeasureState
from tests.ui.key import names

SCALES = (-1.0, 1.0)
EFFECTS = {1: SideEffect(0.375, 0.125, 8.5, "Tea is a plant."), 2: SideEffect(0.625, 0.25, None, "")}


def row(kind: str, vector: str, source: str | None, scale: float, mean: float) -> MeasuredRow:
    layer = None if kind == "baseline" else 3
    return MeasuredRow(kind, vector, source, layer, scale, scale / 2, (mean,), (0.1,), mean, mean, mean, 0.5, 0.1)


def measured() -> MeasureResult:
    request = MeasureRequest(
        choices=PromptSet("mine", "t", "", "choices", (ChoiceItem("Stay on?", "(A)", "(B)"),)), scales=SCALES,
        controls=1, vectors=(MeasuredVector("set", row=4),),
    )
    curves = {("vector", "4", "set"): (-2.0, 3.0), ("random", "random-0", None): (0.5, 0.25)}
    return MeasureResult(
        request=request, model="m", fingerprint="f", dtype="float32", skipped=(), letters=(("(A)", 1),), by="logit",
        items=(MeasuredItem(0, "Stay on?", "(A)", "(B)", "(A)", "logit"),),
        baseline=row("baseline", "baseline", None, 0.0, 0.0),
        rows=tuple(
            row(*key, scale, mean) for key, means in curves.items() for scale, mean in zip(SCALES, means, strict=True)
        ),
        sets=(MeasuredSet("set", "power", "m", "f", 3, 8, 2.0, "00"),),
    )


def whole() -> MeasureResult:
    neutral = PromptSet("tea", "Tea", "", "prompts", ("What is tea?",))
    return MeasureResult(**{**vars(measured()), "side_effects": SideEffects(neutral, EFFECTS)})


def test_side_effects_and_coherence_are_on_the_leaderboard_of_a_kept_measurement(tmp_path):
    store, visitor = Measurements(tmp_path), Visitor("a")
    store.save(whole().to_dict(), "kept")
    look_at(visitor, from_document(store.load("kept")))
    assert [entry.effect for entry in MeasureState.of(visitor).board] == list(EFFECTS.values())
    html = measure_tables.beneath(visitor)
    for part in ("side effect", "repetition", "perplexity", "<td>0.38</td>", "<td>8.5</td>"):
        assert part in html


def test_side_effects_come_to_what_is_looked_at_without_moving_it():
    visitor = Visitor("a")
    look_at(visitor, measured())
    assert [entry.effect for entry in MeasureState.of(visitor).board] == [None, None]
    MeasureState.of(visitor).look = look = object()
    judged(visitor, whole())
    assert (MeasureState.of(visitor).result, MeasureState.of(visitor).look) == (whole(), look)
    assert [entry.effect for entry in MeasureState.of(visitor).board] == list(EFFECTS.values())


@pytest.fixture
def frame(tmp_path: Path) -> Iterator[Frame]:
    workbench = Workbench(store=Store(tmp_path))
    yield Frame(workbench)
    workbench.close()


def test_a_name_that_is_given_elsewhere_comes_to_what_is_shown_and_once(frame: Frame) -> None:
    origin = Origin(model="m", width=4, block_count=8, source=3, method="power", residual_norm=2.0, created=now())
    vector_set = VectorSet(torch.eye(8)[:, :4] + 1, origin, name="set")
    frame.workbench.store.save(vector_set, "set")
    with gr.Blocks():
        tab = measure_layout.build(frame)
    visitor = Visitor("a")
    assert relabelled(frame, tab, visitor) == {}
    look_at(visitor, replace(measured(), sets=(MeasuredSet.of("set", vector_set),)))
    shown(frame, tab, visitor, MeasureState.of(visitor).result)
    assert relabelled(frame, tab, visitor) == {}
    frame.workbench.store.annotate("set", 4, RowNote(label="like tea"))
    updates = relabelled(frame, tab, visitor)
    assert updates[tab.look]["choices"] == [("set#4 “like tea”", "set#4")]
    assert "like tea" in updates[tab.table]
    assert set(updates) <= set(relabelled_outputs(tab))
    assert relabelled(frame, tab, visitor) == {}


def replied() -> RepliesResult:
    request = RepliesRequest(
        prompts=measured().request.choices, scales=SCALES, controls=1, vectors=measured().request.vectors
    )

    def made(kind: str, vector: str, source: str | None, scale: float, text: str) -> RepliesRow:
        given, layer = request.groups_of(0, text), None if kind == "baseline" else 3
        shares = tuple(Share(float(name in given), 0.0, 1.0) for name in OUTCOMES)
        return RepliesRow(kind, vector, source, layer, scale, scale, (text,), (given,), shares)

    return RepliesResult(
        request=request, model="m", fingerprint="f", dtype="float32", sets=measured().sets,
        baseline=made("baseline", "baseline", None, 0.0, "(B)"),
        rows=(
            made("vector", "4", "set", -1.0, "(B)"), made("vector", "4", "set", 1.0, "(A)"),
            made("random", "random-0", None, -1.0, "(B)"), made("random", "random-0", None, 1.0, "so?"),
        ),
    )


def test_what_is_shown_again_after_a_run_is_among_what_it_may_write_to(frame: Frame) -> None:
    with gr.Blocks():
        tab = measure_layout.build(frame)
    visitor = Visitor("a")
    for result in (whole(), replied()):
        look_at(visitor, result)
        MeasureState.of(visitor).before = result
        assert set(shown_again(frame, tab, visitor)) <= set(shown_again_outputs(tab))
        assert set(shown(frame, tab, visitor, result)) <= set(tab.results)


def test_an_earlier_measurement_of_replies_is_drawn_beside_one(frame: Frame) -> None:
    with gr.Blocks():
        tab = measure_layout.build(frame)
    visitor = Visitor("a")
    look_at(visitor, replied())
    replied().check_beside(replied())
    others = replace(replied().request, patterns=(ReplyPattern("polite", "please"),))
    with pytest.raises(InputError, match="the same patterns"):
        replied().check_beside(replace(replied(), request=others))
    MeasureState.of(visitor).before = replied()
    updates = shown(frame, tab, visitor, replied())
    notes = names(updates[tab.figures.plots[0]])
    assert "set#4 (earlier)" in notes
    assert "best of 2" in updates[tab.table]  # of the one vector in both


def test_replies_out_of_a_file_are_shown_with_both_plots(frame: Frame) -> None:
    with gr.Blocks():
        tab = measure_layout.build(frame)
    visitor = Visitor("a")
    look_at(visitor, from_document(replied().to_dict()))
    updates = shown(frame, tab, visitor, MeasureState.of(visitor).result)
    assert "Replies: the behaviour’s answer" in updates[tab.figures.titles[0]]
    drawn = [line for line in updates[tab.figures.plots[0]].data if line.mode == "lines+markers"]
    assert [list(line.y) for line in drawn] == [[0.0, 1.0]]
    groups = [line for line in updates[tab.figures.plots[1]].data if line.mode == "lines+markers"]
    assert [list(line.y) for line in groups] == [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    assert "1 items of mine" in updates[tab.figures.notes[0]]
    assert "<td>0%</td><td><b>100%</b></td>" in updates[tab.table]
    assert "other</td><td>matching" in updates[tab.items]


def test_only_measurements_of_one_kind_and_set_are_drawn_beside_each_other() -> None:
    result = measured()
    result.check_beside(replace(result, model="another"))
    others = PromptSet("o", "O", "", "choices", (ChoiceItem("Go on?", "(A)", "(B)"),))
    sums = PromptSet("sums", "S", "", "exact", (ExactItem("What is 2 + 2?", "4"),))
    exact = ExactRequest(questions=sums, scales=SCALES, vectors=result.request.vectors)
    for other in (
        replace(result, request=replace(result.request, choices=others)),
        ExactResult(exact, None, (), model="m", fingerprint="f", dtype="float32"),
    ):
        with pytest.raises(InputError, match="one kind and one set"):
            result.check_beside(other)
