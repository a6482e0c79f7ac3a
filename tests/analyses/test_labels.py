"""analyses/common/labels.py: names that people gave to vectors reach what is measured of them, and nothing else."""

from __future__ import annotations

import csv
import io

import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredItem, MeasuredRow, MeasureResult
from playground.analyses.common import numbers
from playground.analyses.common.labels import UNLABELLED, labels_of
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import MeasuredSet
from playground.analyses.next_token.run import Shifts, ShiftsRequest
from playground.errors import FileError
from playground.library.origin import Origin, RowNote, now
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.prompts import from_text
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.once import log_once

ORIGIN = Origin(model="m", width=4, block_count=4, source=1, method="power", residual_norm=2.0, created=now())
ALIEN = VectorSet(torch.eye(3, 4), ORIGIN, name="a#b").with_note(2, RowNote(label="alien / code", star=True))


def load(name: str) -> VectorSet:
    if name != "a#b":
        raise FileError(f"Expected a set of the library, got “{name}”, which is not there; choose another one.")
    return ALIEN


def test_a_labelled_vector_is_called_by_its_label_and_everything_else_by_its_name():
    labels = labels_of([MeasuredSet.of("a#b", ALIEN)], load)
    assert labels.called("a#b#2") == "a#b#2 “alien / code”"
    unlabelled = ("a#b#1", "a#b#9", "a#b#mean:0-2", "other#2", "random-2", "baseline")
    assert {labels.of(name) for name in unlabelled} == {""}
    assert labels.called("a#b#1") == "a#b#1"
    assert UNLABELLED.called("a#b#2") == "a#b#2"


def test_sets_that_are_gone_and_other_sets_of_their_name_lend_no_labels(caplog):
    gone, here = MeasuredSet.of("gone", ALIEN), MeasuredSet.of("a#b", ALIEN)
    before = MeasuredSet.of("a#b", VectorSet(-torch.eye(3, 4), ORIGIN))
    log_once.cache_clear()
    with caplog.at_level("INFO", logger="playground.analyses.common.labels"):
        assert set(labels_of([gone, here], load).sets) == {"a#b"}
    assert len(caplog.messages) == 1
    assert "gone" in caplog.messages[0]
    assert labels_of([before], load).sets == {}
    assert labels_of([here, before], load).sets == {}


def row(kind: str, vector: str, source: str | None) -> MeasuredRow:
    return MeasuredRow(kind, vector, source, 1, 1.0, 0.5, (0.5,), (0.1,), 0.5, 0.5, 0.5, 1.0, 0.1)


def test_numbers_have_a_column_of_labels():
    request = MeasureRequest(
        choices=PromptSet("mine", "t", "", "choices", (ChoiceItem("Stay on?", "(A)", "(B)"),)), scales=(1.0,),
        controls=1, vectors=(MeasuredVector("a#b", row=2),),
    )
    result = MeasureResult(
        request=request, model="m", fingerprint="f", dtype="float32", skipped=(), letters=(), by="logit",
        items=(MeasuredItem(0, "Stay on?", "(A)", "(B)", "", "logit"),),
        baseline=row("baseline", "baseline", None),
        rows=(row("vector", "2", "a#b"), row("random", "random-0", None)), sets=(MeasuredSet.of("a#b", ALIEN),),
    )
    labels = labels_of(result.sets, load)
    for text in (numbers.row_table(result, labels), numbers.item_table(result, labels)):
        assert [line["label"] for line in csv.DictReader(io.StringIO(text))] == ["", "alien / code", ""]
    assert {line["label"] for line in csv.DictReader(io.StringIO(numbers.row_table(result)))} == {""}


def test_numbers_of_next_tokens_have_it_for_one_vector_and_not_for_a_mix():
    for recipe, label in (("a#b#2@1", "alien / code"), ("a#b#2@1,a#b#1@1", ""), ("a#b#mean:0-2@1", "")):
        seen = Shifts(
            request=ShiftsRequest(prompts=from_text("a"), recipe=parse(recipe), multipliers=(1,), controls=1, tokens=1),
            model="m", fingerprint="f", dtype="float32", kl=(0.1,), kl_prompts=((0.1,),), controls=((0.0,),), tokens=(),
            norm=4.0, done=1, sets=(MeasuredSet.of("a#b", ALIEN),),
        )
        lines = csv.DictReader(io.StringIO(numbers.row_table(seen, labels_of(seen.sets, load))))
        assert [(line["quantity"], line["label"]) for line in lines] == [("kl", label), ("random", "")]
