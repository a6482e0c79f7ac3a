"""Results as files: nothing that repeats or compares a run is lost, and what is damaged is refused."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from playground.errors import FileError, InputError
from playground.library import measurements
from playground.library.prompts import ChoiceItem, PromptSet
from playground.model.prompting import PromptFormat
from playground.services.measure import (
    MeasuredItem,
    MeasuredRow,
    MeasuredSet,
    MeasuredVector,
    MeasureRequest,
    MeasureResult,
    SkippedItem,
    numbers,
)
from playground.services.measure.document import from_document, to_document
from playground.services.measure.table import RANDOM, method_table

ITEMS = (
    ChoiceItem("Ein “Kite”? 🪁\n(A) ja\n(B) nein", "(A)", "(B)"),
    ChoiceItem("Two?", "(B)", "(A)"),
    ChoiceItem("Three?", "(C)", "(A)"),
)


def row(kind: str, vector: str, source: str | None, scale: float, mean: float) -> MeasuredRow:
    return MeasuredRow(
        kind, vector, source, None if kind == "baseline" else 3, scale, scale / 4, (mean - 1, mean + 1), (0.0, 0.25),
        mean, mean - 0.5, mean + 0.5, 0.5, 0.125,
    )  # fmt: skip


def result(**changes) -> MeasureResult:
    request = MeasureRequest(
        choices=PromptSet("foxes", "Foxes", "", "choices", ITEMS, system="Choose.", answers=("(A)", "(B)")),
        vectors=(MeasuredVector("power set", 0), MeasuredVector("power set", 2), MeasuredVector("melbo", mean=(0, 2))),
        scales=(-4.0, 4.0),
        controls=2,
        seed=5,
        format=PromptFormat(system="Choose."),
    )
    curves = {
        ("vector", "0", "power set"): (-1.0, 0.5),
        ("vector", "2", "power set"): (-3.0, 2.5),
        ("vector", "mean:0-2", "melbo"): (0.25, 1.0),
        ("random", "random-0", None): (0.1, 0.2),
        ("random", "random-1", None): (-0.4, 0.3),
    }
    given = {
        "request": request,
        "model": "organism",
        "fingerprint": "5f0c",
        "dtype": "float32",
        "items": tuple(
            MeasuredItem(i, ITEMS[i].question, ITEMS[i].matching, ITEMS[i].other, ITEMS[i].matching, "logit")
            for i in range(2)
        ),
        "skipped": (SkippedItem(2, "answers other than (A) and (B)"),),
        "letters": (("(A)", 1), ("(B)", 1)),
        "by": "logit",
        "baseline": row("baseline", "baseline", None, 0.0, 0.0),
        "rows": tuple(
            row(*key, scale, mean) for key, means in curves.items() for scale, mean in zip((-4, 4), means, strict=True)
        ),
        "sets": (
            MeasuredSet("power set", "power", "organism", "5f0c", 3, 12, 4.0, "ab" * 32),
            MeasuredSet("melbo", "melbo", "organism", "5f0c", 3, 2, 4.0, "cd" * 32),
        ),
        "warnings": ("Something.",),
        "seconds": 1.5,
        "versions": {"torch": "2.13.0"},
        "created": "2026-11-24T02:00:00+00:00",
    }
    return MeasureResult(**(given | changes))


def test_a_result_comes_back_from_its_file_as_it_was(tmp_path):
    store = measurements.Measurements(tmp_path)
    store.save(to_document(result()), "foxes")
    assert from_document(store.load("foxes")) == result()


def test_the_page_on_the_format_names_every_field():
    page = (Path(__file__).parents[3] / "vectors" / "MEASURES.md").read_text(encoding="utf-8")
    document = to_document(result())
    request = document["request"]
    for entry in (document, request, request["choices"], request["format"], document["sets"][0], document["rows"][0],
                  document["items"][0], document["skipped"][0]):  # fmt: skip
        for name in entry:
            assert f"`{name}`" in page, name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("rows"), "one without 'rows'"),
        (lambda d: d["rows"][0]["differences"].append(1.0), "a row of 3 numbers for 2 items"),
        (lambda d: d["rows"][0].update(mean="high"), "something else than numbers"),
        (lambda d: d["items"][0].update(number=9), "index out of range"),
        (lambda d: d["request"]["choices"]["items"][0].update(question="Another?"), "do not have the hash"),
        (lambda d: d["request"].update(controls=0), "random controls"),
        (lambda d: d.update(sets=[{"source": "x"}]), "Expected a measurement as vectors/MEASURES.md says"),
    ],
)
def test_a_damaged_document_is_refused_in_one_sentence(change, said):
    document = json.loads(json.dumps(to_document(result())))
    change(document)
    with pytest.raises(FileError, match="^Expected a measurement as vectors/MEASURES.md says, got") as caught:
        from_document(document)
    assert said in str(caught.value)


def test_numbers_for_csv_have_a_line_a_row_and_a_line_an_item():
    read = list(csv.DictReader(io.StringIO(numbers.as_csv(numbers.ROWS, numbers.row_table(result())))))
    assert [line["vector"] for line in read][:3] == ["baseline", "0", "0"]
    assert len(read) == 11
    assert float(read[4]["mean"]) == 2.5
    read = list(csv.DictReader(io.StringIO(numbers.as_csv(numbers.ITEMS, numbers.item_table(result())))))
    assert len(read) == 22
    assert read[0]["question"] == ITEMS[0].question
    assert float(read[3]["difference"]) == 0.0  # item 1 of vector 0 at −4: −1 + 1


def test_the_table_names_the_best_of_each_method_and_out_of_how_many():
    table = method_table([result()])
    assert table.scales == (-4.0, 4.0)
    assert [(line.method, line.name, line.tried, line.means) for line in table.lines] == [
        ("power", "power set#2", 2, (-3.0, 2.5)),
        ("melbo", "melbo#mean:0-2", 1, (0.25, 1.0)),
        (RANDOM, "random-1", 2, (-0.4, 0.3)),
    ]
    assert [line.swing for line in table.lines] == pytest.approx([5.5, 1.0, 0.7])
    assert table.tried == 3


def test_two_results_make_one_table_and_share_their_controls():
    other = result(rows=tuple(replace(one, source="power set") if one.source else one for one in result().rows))
    table = method_table([result(), other])
    assert [(line.method, line.tried) for line in table.lines] == [("power", 5), ("melbo", 1), (RANDOM, 2)]


def test_a_vector_that_was_stopped_half_way_is_not_in_the_table():
    table = method_table([result(rows=result().rows[:-1])])
    assert [(line.method, line.tried) for line in table.lines][-1] == (RANDOM, 1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"fingerprint": "beef"}, "model"),
        ({"choices": PromptSet("f", "F", "", "choices", ITEMS[:2])}, "choice set"),
        ({"format": PromptFormat(chat=False)}, "prompt format"),
        ({"relative": True}, "unit of scales"),
        ({"positions": "prompt"}, "positions"),
    ],
)
def test_results_that_do_not_compare_are_not_mixed(changes, what):
    in_request = {name: value for name, value in changes.items() if name in {f.name for f in fields(MeasureRequest)}}
    other = replace(result(), request=replace(result().request, **in_request))
    other = replace(other, **{name: value for name, value in changes.items() if name not in in_request})
    with pytest.raises(InputError, match=f"^Expected results on the same {what}"):
        method_table([result(), other])
