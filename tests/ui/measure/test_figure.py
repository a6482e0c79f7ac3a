"""The main plot of every kind of result, from the result alone."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredItem, MeasuredRow, MeasureResult
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import BASELINE, MeasuredSet
from playground.analyses.compare.run import ComparedSet, Comparison
from playground.analyses.exact.run import ExactRequest, ExactResult, ExactRow
from playground.analyses.next_token.run import ShiftedToken, Shifts, ShiftsRequest
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.library.prompt_set import ChoiceItem, ExactItem, PromptSet
from playground.library.prompts import from_text
from playground.library.recipe import parse
from playground.library.reply_patterns import ReplyPattern
from tests.ui.key import names

VECTORS = (MeasuredVector("set", row=0), MeasuredVector("set", row=4))
SET = MeasuredSet("set", "power", "m", "f", 3, 8, 2.0, "00")
ABOUT = {"model": "m", "fingerprint": "f", "dtype": "float32", "sets": (SET,)}
SCALES = (-1.0, 1.0)
DIRECTIONS = (("vector", "0", "set"), ("vector", "4", "set"), ("random", "random-0", None))


def rows(made, *values: tuple[float, float]):
    """A row for each direction and scale, of the values of each direction."""
    return tuple(
        made({"kind": kind, "vector": vector, "source": source, "layer": 3, "scale": scale, "relative": scale}, value)
        for (kind, vector, source), own in zip(DIRECTIONS, values, strict=True)
        for scale, value in zip(SCALES, own, strict=True)
    )


def choices() -> MeasureResult:
    def made(place, mean: float) -> MeasuredRow:
        return MeasuredRow(
            **place, differences=(mean,), divergences=(0.1,), mean=mean, low=mean - 1, high=mean + 1, share=0.5, kl=0.1
        )

    asked = PromptSet("mine", "t", "", "choices", (ChoiceItem("Stay on?", "(A)", "(B)"),))
    return MeasureResult(
        **ABOUT, request=MeasureRequest(choices=asked, scales=SCALES, controls=1, vectors=VECTORS), skipped=(),
        items=(MeasuredItem(0, "Stay on?", "(A)", "(B)", "(A)", "logit"),), letters=(("(A)", 1),), by="logit",
        baseline=made(BASELINE, 0.5), rows=rows(made, (-1.0, 1.0), (4.0, -3.0), (0.25, 0.5)),
    )


def exact() -> ExactResult:
    def made(place, share: float) -> ExactRow:
        return ExactRow(**place, texts=("2",), right=(True,), share=share, low=share / 2, high=1.0, silent=0.0)

    asked = PromptSet("sums", "t", "", "exact", (ExactItem("1 + 1?", "2"),))
    return ExactResult(
        **ABOUT, request=ExactRequest(questions=asked, scales=SCALES, controls=1, vectors=VECTORS),
        baseline=made(BASELINE, 1.0), rows=rows(made, (0.5, 0.75), (1.0, 0.0), (1.0, 1.0)),
    )


def replies() -> RepliesResult:
    def made(place, share: float) -> RepliesRow:
        shares = (Share(share, share / 2, 1.0), Share(1 - share, 0.0, 1.0))
        return RepliesRow(**place, texts=("yes",), groups=(("polite",),), shares=shares)

    request = RepliesRequest(
        prompts=from_text("Who?"), patterns=(ReplyPattern("polite", "please"),), scales=SCALES, controls=1,
        vectors=VECTORS,
    )
    return RepliesResult(
        **ABOUT, request=request, baseline=made(BASELINE, 1.0), rows=rows(made, (0.5, 0.75), (1.0, 0.0), (1.0, 1.0))
    )


def next_token() -> Shifts:
    request = ShiftsRequest(prompts=from_text("a"), recipe=parse("set#4@1"), multipliers=SCALES, controls=1, tokens=1)
    return Shifts(
        **ABOUT, request=request, kl=(0.1, 0.2), kl_prompts=((0.1, 0.2),), controls=((0.0, 0.0),), norm=4.0, done=1,
        tokens=(ShiftedToken(5, " a", 0.25, (0.5, 0.125)),),
    )


@pytest.mark.parametrize(
    ("result", "values", "axis"),
    [
        (choices(), [4.0, -3.0], "mean logit difference / nats"),
        (exact(), [1.0, 0.0], "part of right answers"),
        (replies(), [1.0, 0.0], "share of replies"),
        (next_token(), [0.1, 0.2], "KL(steered ‖ baseline) / nats"),
    ],
)
def test_the_vector_that_moves_most_is_drawn_last_with_its_name(result, values, axis):
    plot = result.plot()
    assert isinstance(plot, go.Figure)
    assert list(plot.data[-1].y) == values
    assert "set#4" in names(plot)
    assert plot.layout.yaxis.title.text == axis


def test_random_directions_are_dotted_beside_the_vectors():
    dotted = [list(line.y) for line in choices().plot().data if line.line.dash == "dot"]
    assert dotted == [[0.25, 0.5]]


def test_a_comparison_is_drawn_as_its_cosines():
    one = ComparedSet("a", (0, 1), ("0", "1"), 1, "native norm", torch.ones(2))
    (heat_map,) = Comparison((one,), torch.eye(2), (), ()).plot().data
    assert [list(line) for line in heat_map.z] == [[1.0, 0.0], [0.0, 1.0]]


def test_a_result_stopped_before_its_first_row_is_drawn_with_its_baseline_alone():
    plot = replace(choices(), rows=()).plot()
    assert [shape.y0 for shape in plot.layout.shapes] == [0.5]
