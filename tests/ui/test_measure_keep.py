"""What is kept of a measurement comes back when it is opened: its leaderboard with side effects and coherence."""

from __future__ import annotations

from playground.library.measurements import Measurements
from playground.library.prompts import ChoiceItem, PromptSet
from playground.services.measure import MeasuredItem, MeasuredRow, MeasuredVector, MeasureRequest, MeasureResult
from playground.services.measure.document import from_document, to_document
from playground.services.measure.result import MeasuredSet, SideEffect, SideEffects
from playground.ui import measure_tables
from playground.ui.measure_keep import judged, look_at
from playground.ui.state import Visitor

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
    store.save(to_document(whole()), "kept")
    look_at(visitor, from_document(store.load("kept")))
    assert [entry.effect for entry in visitor.measure_board] == list(EFFECTS.values())
    html = measure_tables.beneath(visitor)
    for part in ("side effect", "repetition", "perplexity", "<td>0.38</td>", "<td>8.5</td>"):
        assert part in html


def test_side_effects_come_to_what_is_looked_at_without_moving_it():
    visitor = Visitor("a")
    look_at(visitor, measured())
    assert [entry.effect for entry in visitor.measure_board] == [None, None]
    visitor.measure_look = look = object()
    judged(visitor, whole())
    assert (visitor.measured, visitor.measure_look) == (whole(), look)
    assert [entry.effect for entry in visitor.measure_board] == list(EFFECTS.values())
