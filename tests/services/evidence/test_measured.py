"""services/evidence/measured.py: figures of measurements draw every set, its interval, and the random directions."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredItem, MeasuredRow, MeasureResult
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import MeasuredSet
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.services.evidence.measured import best_of_sets, items_of_sets

ITEMS = (ChoiceItem("Stay on?", "(A)", "(B)"), ChoiceItem("Stop?", "(B)", "(A)"))
CHOICES = PromptSet("mine", "t", "", "choices", ITEMS)
ASKED = {"scales": (-1.0, 1.0), "vectors": (MeasuredVector("one", row=0), MeasuredVector("several", row=0))}
ABOUT = {
    "model": "m", "fingerprint": "f", "dtype": "float32",
    "sets": tuple(MeasuredSet(name, "power", "m", "f", 3, 8, 2.0, name) for name in ("one", "several")),
}
CURVES = {("vector", "0", "one"): (-1, 2), ("vector", "0", "several"): (3, -4), ("random", "random-0", None): (0.5, 0)}


def row(kind: str, vector: str, source: str | None, scale: float, mean: float) -> MeasuredRow:
    layer, differences = None if kind == "baseline" else 3, (mean - 1.0, mean + 1.0)
    return MeasuredRow(
        kind, vector, source, layer, scale, scale / 2, differences, (0.1, 0.1), mean, mean - 0.5, mean + 0.5, 0.5, 0.1
    )


@pytest.fixture
def result() -> MeasureResult:
    items = tuple(
        MeasuredItem(n, item.question, item.matching, item.other, item.matching, "logit")
        for n, item in enumerate(ITEMS)
    )
    return MeasureResult(
        request=MeasureRequest(choices=CHOICES, controls=1, **ASKED), items=items, skipped=(), by="logit",
        letters=(("(A)", 1), ("(B)", 1)), baseline=row("baseline", "baseline", None, 0.0, 0.25),
        rows=tuple(
            row(*key, scale, mean) for key, means in CURVES.items() for scale, mean in zip((-1, 1), means, strict=True)
        ),
        **ABOUT,
    )


def test_sets_of_one_method_are_lines_of_their_own_beside_random_ones(result):
    figure = best_of_sets([result], "t")
    assert "power: one, best of 1</text>" in figure
    assert "power: several, best of 1</text>" in figure
    assert figure.count('class="band') == 2
    assert len(re.findall(r'<polyline class="line grey dotted"', figure)) == 1
    assert "power: several, best of 1 at 1: -4</title>" in figure
    assert "<title>0.25</title>" in figure  # the baseline


def test_items_of_sets_are_violins_side_by_side(result):
    figure = items_of_sets([result], 1.0, "t")
    assert figure.count('class="body') == 3
    assert "power: one, best of 1: mean 2 of 2" in figure
    assert "power: several, best of 1: mean -4 of 2" in figure
    assert "best of 1 random: mean 0 of 2" in figure
    with pytest.raises(InputError, match="Expected one of the measured scales -1, 1, got 2"):
        items_of_sets([result], 2.0, "t")


def test_replies_are_compared_by_the_first_group():
    request = RepliesRequest(prompts=CHOICES, controls=1, **ASKED)

    def said(kind: str, vector: str, source: str | None, scale: float, share: float) -> RepliesRow:
        shares = tuple(Share(value, value / 2, (value + 1) / 2) for value in (share, 0.75 - share, 0.25))
        layer = None if kind == "baseline" else 3
        return RepliesRow(
            kind, vector, source, layer, scale, scale / 2, ("(A)", "(A)"), (("matching",), ("other",)), shares
        )

    result = RepliesResult(
        request=request, baseline=said("baseline", "baseline", None, 0.0, 0.25),
        rows=tuple(said(*key, scale, 0.5) for key in CURVES for scale in (-1, 1)), **ABOUT,
    )
    lines = best_of_sets([result, replace(result, created="later")], "t")
    assert "power: several, best of 2 at 1: 0.5</title>" in lines
