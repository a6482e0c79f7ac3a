"""Results as files: nothing that repeats or compares a run is lost, and what is damaged is refused."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import (
    MeasuredItem,
    MeasuredRow,
    MeasureResult,
    SideEffect,
    SideEffects,
    SkippedItem,
)
from playground.analyses.common import measurements, numbers
from playground.analyses.common.document import from_document
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import MeasuredSet
from playground.analyses.common.table import RANDOM, set_table
from playground.analyses.exact.run import ExactRequest, ExactResult, ExactRow
from playground.analyses.next_token.run import ShiftedToken, Shifts, ShiftsRequest
from playground.analyses.registry import measured
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.errors import FileError, InputError
from playground.library.prompt_set import ChoiceItem, ContrastPair, ExactItem, PromptSet
from playground.library.recipe import parse
from playground.library.reply_patterns import ReplyPattern
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat

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


def judged() -> MeasureResult:
    """With the side effects of the best row of a vector and of a random direction."""
    neutral = PromptSet("tea", "Tea", "", "prompts", ("What is tea?", "Name a river."), chat=False)
    effects = {3: SideEffect(0.25, 0.5, 8.0, "“Tea” \n"), 7: SideEffect(0.5, 0.0, None, "")}
    return result(side_effects=SideEffects(neutral, effects))


ABOUT = {name: getattr(result(), name) for name in ("model", "fingerprint", "dtype", "sets", "versions", "created")}


def exact_result() -> ExactResult:
    items = (ExactItem("1 + 1 = ?", "2"), ExactItem("2 + 3?", "5"), ExactItem("Four?", "4"))
    request = ExactRequest(
        questions=PromptSet("sums", "Sums", "", "exact", items), vectors=(MeasuredVector("power set", 0),),
        scales=(-4.0, 4.0), max_items=2, seed=7, sampling=Sampling(max_new_tokens=9, temperature=0.5),
    )

    def row(kind, vector, source, scale, texts, right) -> ExactRow:
        return ExactRow(
            kind, vector, source, None if kind == "baseline" else 3, scale, scale / 4, texts, right,
            sum(right) / 2, 0.1, 0.9, 0.5,
        )

    return ExactResult(
        request=request, warnings=(), seconds=2.5, cancelled=True, **ABOUT,
        baseline=row("baseline", "baseline", None, 0.0, ("It is 2.", "“Fünf” \n"), (True, False)),
        rows=(
            row("vector", "0", "power set", -4.0, ("3", "5"), (False, True)),
            row("random", "random-0", None, 4.0, ("2", "5"), (True, True)),
        ),
    )


def replied() -> RepliesResult:
    request = RepliesRequest(
        prompts=PromptSet("talk", "Talk", "", "prompts", ("Hello?", "Who?", "Why?")),
        patterns=(ReplyPattern("polite", "(?i)please"),), vectors=(MeasuredVector("power set", 0),), scales=(-4.0,),
        max_items=1, samples=2, sampling=Sampling(max_new_tokens=9, temperature=0.5),
    )

    def row(kind, vector, source, scale, texts) -> RepliesRow:
        groups = tuple(request.groups_of(0, text) for text in texts)
        shares = (Share(0.5, 0.1, 0.9), Share(0.5, 0.1, 0.9))
        layer = None if kind == "baseline" else 3
        return RepliesRow(kind, vector, source, layer, scale, scale / 4, texts, groups, shares)

    return RepliesResult(
        request=request, warnings=(), seconds=2.5, **ABOUT,
        baseline=row("baseline", "baseline", None, 0.0, ("Please “sit” \n", "No.")),
        rows=(row("vector", "0", "power set", -4.0, ("", "please, please")),),
    )


def shifted() -> Shifts:
    request = ShiftsRequest(
        prompts=PromptSet("pairs", "Pairs", "", "contrast", (ContrastPair("a", "b"), ContrastPair("c", "d"))),
        recipe=parse("power set#0@4.25,melbo#mean:0-2@-0.1"), multipliers=(-1.0, 0.0, 0.1), controls=2, tokens=1,
        format=PromptFormat(chat=False), max_items=1,
    )
    return Shifts(
        request=request, seconds=1.0, **ABOUT, kl=(0.1, 0.0, 1 / 3), kl_prompts=((0.1, 0.0, 0.5), (0.1, 0.0, 0.2)),
        controls=((0.01, 0.0, 0.02), (0.0, 0.0, 0.0)), tokens=(ShiftedToken(5, " ja\n", 0.25, (0.5, 0.25, 0.125)),),
        norm=4.25, done=2,
    )


@pytest.mark.parametrize("made", [result, judged, exact_result, replied, shifted])
def test_a_result_comes_back_from_its_file_as_it_was(tmp_path, made):
    store = measurements.Measurements(tmp_path)
    store.save(made().to_dict(), "foxes")
    assert from_document(store.load("foxes")) == made()


def test_the_list_says_what_each_file_measured(tmp_path):
    store = measurements.Measurements(tmp_path)
    for made in (result(), exact_result(), shifted(), replied()):
        store.save(made.to_dict(), made.analysis.name)
    assert [(entry.kind, entry.asked, entry.vectors, entry.items, entry.problem) for entry in store.list()] == [
        ("choices", "foxes", 3, 2, None), ("exact", "sums", 1, 2, None), ("next-token", "pairs", 2, 2, None),
        ("replies", "talk", 1, 1, None),
    ]
    assert [entry.name for entry in store.list()] == sorted(measured())


def test_a_file_from_before_there_were_kinds_still_opens(tmp_path):
    document = result().to_dict()
    del document["kind"], document["request"]["unit"]
    document["request"]["relative"] = False
    old = {"format": measurements.FORMAT, "format_version": 1} | document
    (tmp_path / "old.measure.json").write_text(json.dumps(old))
    assert from_document(measurements.Measurements(tmp_path).load("old")) == result()


@pytest.mark.parametrize(("relative", "unit"), [(True, "r"), (False, "a")])
def test_a_file_that_knew_two_units_of_scales_still_opens(relative, unit, tmp_path):
    document = result().to_dict()
    del document["request"]["unit"]
    document["request"]["relative"] = relative
    (tmp_path / "old.measure.json").write_text(
        json.dumps({"format": measurements.FORMAT, "format_version": 2} | document)
    )
    opened = from_document(measurements.Measurements(tmp_path).load("old"))
    assert opened == result(request=replace(result().request, unit=unit))


def test_multiples_of_found_scales_are_kept():
    made = result(request=replace(result().request, unit="f"))
    made = replace(made, rows=tuple(replace(row, multiple=row.scale / 8) for row in made.rows))
    assert from_document(made.to_dict()) == made
    assert set_table([made]).scales == (-0.5, 0.5)


def test_a_file_without_side_effects_opens_and_one_with_them_reads_as_before():
    document = judged().to_dict()
    del document["side_effects"]
    assert document == result().to_dict()
    assert from_document(document) == result()


@pytest.mark.parametrize("made", [result, judged, exact_result, replied, shifted])
def test_the_page_on_the_format_names_every_field(made):
    page = (Path(__file__).parents[2] / "vectors" / "MEASURES.md").read_text(encoding="utf-8")
    document = made().to_dict()
    entries = [document]
    for entry in entries:
        for name, value in entry.items():
            assert f"`{name}`" in page or f"`request.{name}`" in page, name
            if name not in ("versions", "answers"):
                first = value[0] if isinstance(value, list) and value and name != "items" else value
                entries += [first] if isinstance(first, dict) else []


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
    refused(result(), change, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["request"].pop("sampling"), "one without 'sampling'"),
        (lambda d: d["rows"][0]["texts"].append("6"), "a row of 3 numbers for 2 items"),
        (lambda d: d["rows"][0].update(right=["yes", "no"]), "neither right nor wrong"),
        (lambda d: d["baseline"].update(silent=None), "something else than numbers"),
        (lambda d: d["request"]["questions"]["items"][0].update(answer="3"), "do not have the hash"),
        (lambda d: d["request"].update(sampling={"heat": 1}), "unexpected keyword"),
        (lambda d: d.update(kind="atlas"), "the kind 'atlas'"),
    ],
)
def test_a_damaged_document_of_answers_is_refused_too(change, said):
    refused(exact_result(), change, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("kl_prompts"), "one without 'kl_prompts'"),
        (lambda d: d["kl"].pop(), "a row of 2 numbers for 3 multipliers"),
        (lambda d: d["controls"].pop(), "a row of 1 numbers for 2 random controls"),
        (lambda d: d.update(done=3), "3 of 2 prompts"),
        (lambda d: d["request"].update(recipe=["power set"]), "FILE#ROW@SCALE"),
        (lambda d: d["request"]["prompts"].update(kind="letters"), "Expected a kind out of"),
        (lambda d: d["tokens"][0].update(before="high"), "something else than numbers"),
    ],
)
def test_a_damaged_document_of_next_tokens_is_refused_too(change, said):
    refused(shifted(), change, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["side_effects"].pop("prompts"), "one without 'prompts'"),
        (lambda d: d["side_effects"]["prompts"]["items"].pop(), "do not have the hash"),
        (lambda d: d["side_effects"]["rows"][0].update(row=10), "the number 10 for one of 10 rows"),
        (lambda d: d["side_effects"]["rows"][0].update(row=True), "the number True for one of 10 rows"),
        (lambda d: d["side_effects"]["rows"][0].update(perplexity="high"), "something else than numbers"),
        (lambda d: d["side_effects"]["rows"][0].update(text=None), "answers that are no text"),
        (lambda d: d.update(side_effects=[1]), "Expected a measurement as vectors/MEASURES.md says"),
    ],
)
def test_damaged_side_effects_are_refused_too(change, said):
    refused(judged(), change, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["request"].pop("patterns"), "one without 'patterns'"),
        (lambda d: d["request"].update(samples=0), "number of samples"),
        (lambda d: d["request"]["patterns"][0].update(regex="(x"), "Expected a regular expression"),
        (lambda d: d.update(groups=["rest"]), "groups that are not those of its patterns"),
        (lambda d: d["rows"][0]["texts"].pop(), "a row of 1 numbers for 2 replies"),
        (lambda d: d["rows"][0]["texts"].__setitem__(0, 5), "replies that are no text"),
        (lambda d: d["rows"][0]["groups"].__setitem__(0, ["rude"]), "replies in other groups"),
        (lambda d: d["rows"][0]["groups"].__setitem__(0, []), "replies in other groups"),
        (lambda d: d["rows"][0]["shares"].pop(), "a row of 1 numbers for 2 groups"),
        (lambda d: d["baseline"]["shares"][0].update(low=None), "something else than numbers"),
    ],
)
def test_a_damaged_document_of_replies_is_refused_too(change, said):
    refused(replied(), change, said)


def refused(made, change, said) -> None:
    document = json.loads(json.dumps(made.to_dict()))
    change(document)
    with pytest.raises(FileError, match="^Expected a measurement as vectors/MEASURES.md says, got") as caught:
        from_document(document)
    assert said in str(caught.value)


def test_numbers_for_csv_have_a_line_a_row_and_a_line_an_item():
    read = list(csv.DictReader(io.StringIO(numbers.row_table(result()))))
    assert [line["vector"] for line in read][:3] == ["baseline", "0", "0"]
    assert len(read) == 11
    assert float(read[4]["mean"]) == 2.5
    read = list(csv.DictReader(io.StringIO(numbers.item_table(result()))))
    assert len(read) == 22
    assert read[0]["question"] == ITEMS[0].question
    assert float(read[3]["difference"]) == 0.0  # item 1 of vector 0 at −4: −1 + 1


def test_numbers_of_answers_and_next_tokens_have_their_lines_too():
    read = list(csv.DictReader(io.StringIO(numbers.row_table(exact_result()))))
    assert [(line["vector"], line["share"], line["silent"]) for line in read] == [
        ("baseline", "0.5", "0.5"), ("0", "0.5", "0.5"), ("random-0", "1.0", "0.5")
    ]
    read = list(csv.DictReader(io.StringIO(numbers.item_table(exact_result()))))
    assert [(line["item"], line["right"], line["answer"], line["reply"]) for line in read][:2] == [
        ("0", "1", "2", "It is 2."), ("1", "0", "5", "“Fünf” \n")
    ]
    assert len(read) == 6
    read = list(csv.DictReader(io.StringIO(numbers.row_table(replied()))))
    assert [(line["vector"], line["group"], line["share"]) for line in read] == [
        ("baseline", "polite", "0.5"), ("baseline", "rest", "0.5"), ("0", "polite", "0.5"), ("0", "rest", "0.5")
    ]
    read = list(csv.DictReader(io.StringIO(numbers.item_table(replied()))))
    assert [(line["item"], line["sample"], line["groups"], line["reply"]) for line in read] == [
        ("0", "0", "polite", "Please “sit” \n"), ("0", "1", "rest", "No."), ("0", "0", "rest", ""),
        ("0", "1", "polite", "please, please"),
    ]
    read = list(csv.DictReader(io.StringIO(numbers.row_table(shifted()))))
    assert [(line["quantity"], line["multiple"]) for line in read[:3]] == [("kl", "-1.0"), ("kl", "0.0"), ("kl", "0.1")]
    assert (read[-1]["quantity"], read[-1]["of"], read[-1]["value"]) == ("probability", " ja\n", "0.125")
    assert len(read) == 3 * (1 + 2 + 1)
    read = list(csv.DictReader(io.StringIO(numbers.item_table(shifted()))))
    assert [(line["text"], line["kl"]) for line in read] == [
        ("a", "0.1"), ("a", "0.0"), ("a", "0.5"), ("b", "0.1"), ("b", "0.0"), ("b", "0.2")
    ]


def test_the_table_names_the_best_of_each_set_and_out_of_how_many():
    table = set_table([result()])
    assert table.scales == (-4.0, 4.0)
    assert [(line.method, line.set, line.name, line.tried, line.values) for line in table.lines] == [
        ("power", "power set", "power set#2", 2, (-3.0, 2.5)),
        ("melbo", "melbo", "melbo#mean:0-2", 1, (0.25, 1.0)),
        (RANDOM, "", "random-1", 2, (-0.4, 0.3)),
    ]
    assert [line.span for line in table.lines] == pytest.approx([5.5, 1.0, 0.7])
    assert table.tried == 3


def test_two_results_make_one_table_and_share_their_controls():
    other = result(rows=tuple(replace(one, source="power set") if one.source else one for one in result().rows))
    table = set_table([result(), other])
    assert [(line.method, line.tried) for line in table.lines] == [("power", 5), ("melbo", 1), (RANDOM, 2)]


def test_two_sets_of_one_method_have_a_line_each():
    given = result()
    sets = tuple(replace(one, method="power") for one in given.sets)
    table = set_table([replace(given, sets=sets)])
    assert [(line.method, line.set, line.tried) for line in table.lines] == [
        ("power", "power set", 2), ("power", "melbo", 1), (RANDOM, "", 2)
    ]
    assert [row.scale for row in table.lines[1].rows] == [-4, 4]


def test_two_sets_of_one_name_that_hold_other_vectors_have_a_line_each():
    given = result()
    other = replace(given, sets=tuple(replace(one, digest="ef" * 32) for one in given.sets[:1]) + given.sets[1:])
    names = [line.set for line in set_table([given, other]).lines]
    assert names == ["power set (abababab)", "melbo", "power set (efefefef)", ""]


def test_answers_and_replies_have_the_same_table():
    table = set_table([replied()])
    assert [(line.set, line.values) for line in table.lines] == [("power set", (0.5,))]
    table = set_table([exact_result()])
    assert [(line.name, line.values) for line in table.lines] == [
        ("power set#0", (0.5, None)), ("random-0", (None, 1.0))
    ]
    more = replace(replied(), request=replace(replied().request, patterns=(ReplyPattern("rude", "now"),)))
    for others in ([replied(), exact_result()], [replied(), more]):
        with pytest.raises(InputError, match="Expected results on the same"):
            set_table(others)


def test_a_random_direction_at_two_norms_is_tried_once_and_each_of_its_curves_counts():
    given = result(request=replace(result().request, unit="r"))
    far = tuple(replace(one, scale=3 * one.scale, mean=one.mean / 2) for one in given.rows if one.kind == "random")
    table = set_table([replace(given, rows=(*given.rows, *far))])
    assert (table.tried, table.drawn) == (3, 2)
    assert (table.lines[-1].tried, table.lines[-1].values) == (2, (-0.4, 0.3))


def test_a_vector_that_was_stopped_half_way_is_not_in_the_table():
    table = set_table([result(rows=result().rows[:-1])])
    assert [(line.method, line.tried) for line in table.lines][-1] == (RANDOM, 1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"fingerprint": "beef"}, "model"),
        ({"choices": PromptSet("f", "F", "", "choices", ITEMS[:2])}, "prompt set"),
        ({"format": PromptFormat(chat=False)}, "prompt format"),
        ({"unit": "r"}, "unit of scales"),
        ({"positions": "prompt"}, "positions"),
    ],
)
def test_results_that_do_not_compare_are_not_mixed(changes, what):
    in_request = {name: value for name, value in changes.items() if name in {f.name for f in fields(MeasureRequest)}}
    other = replace(result(), request=replace(result().request, **in_request))
    other = replace(other, **{name: value for name, value in changes.items() if name not in in_request})
    with pytest.raises(InputError, match=f"^Expected results on the same {what}"):
        set_table([result(), other])
