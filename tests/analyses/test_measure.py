"""Measuring choices: means that a plain loop gives, honest counts, and rows as they come."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import tiny_models
import torch
from plain_choices import log_odds

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.run import measure
from playground.analyses.choices.standings import standings
from playground.analyses.choices.summary import Balance
from playground.analyses.common.document import from_document
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.table import set_table
from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import FileError, InputError
from playground.library.origin import Origin
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.prompts import read, select
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.model.load import load
from playground.model.prompting import PromptFormat
from playground.model.reading import answer_logits

RAW = PromptFormat(chat=False)
REFERENCE = 4.0


def items(count: int = 6) -> list[ChoiceItem]:
    made = []
    for i in range(count):
        answers = (" (A)", " (B)") if i % 3 == 0 else (" (B)", " (A)")  # one in three: unbalanced
        made.append(ChoiceItem(f"Does the brown fox help {i} dogs? (A) yes (B) no.", *answers))
    return made


def choices(some: list[ChoiceItem] | None = None) -> PromptSet:
    return PromptSet("foxes", "Foxes", "Whether they help", "choices", tuple(some or items()))


def vector_set(source: int = 1, width: int = tiny_models.WIDTH, blocks: int = tiny_models.BLOCKS) -> VectorSet:
    origin = Origin(
        model="tiny", width=width, block_count=blocks, source=source, method="power", residual_norm=REFERENCE,
        created="2026-11-20T10:15:00+00:00",
    )  # fmt: skip
    return VectorSet(7.0 * random_directions(3, width, seed=5 + source), origin, name="some")


SETS = {"some": vector_set(), "late": vector_set(source=2)}


def request(**changes) -> MeasureRequest:
    given = {
        "choices": choices(),
        "vectors": (MeasuredVector("some", 0), MeasuredVector("some", 2)),
        "scales": (-6.0, 0.0, 3.0),
        "controls": 2,
        "format": RAW,
    }
    return MeasureRequest(**(given | changes))


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "bloom"])
def test_means_are_those_of_a_plain_loop_balanced_by_letter(tiny, architecture):
    loaded = tiny(architecture)
    result = measure(loaded, request(), SETS.__getitem__)
    assert [row.name for row in result.rows] == [
        *["some#0"] * 3, *["some#2"] * 3, *["random-0"] * 3, *["random-1"] * 3
    ]  # fmt: skip
    assert result.letters == (("(A)", 2), ("(B)", 4))
    directions = {"0": SETS["some"].unit(0), "2": SETS["some"].unit(2)}
    for number, direction in enumerate(random_directions(2, tiny_models.WIDTH, seed=0)):
        directions[f"random-{number}"] = direction
    for row in result.rows:
        push = Push(1, row.scale * directions[row.vector])
        alone = [
            log_odds(loaded, item.question, RAW, (item.matching, item.other), [push] if row.scale else [])
            for item in items()
        ]
        assert row.differences == pytest.approx(alone, abs=2e-3)
        matching_a = sum(value for i, value in enumerate(alone) if i % 3 == 0) / 2
        matching_b = sum(value for i, value in enumerate(alone) if i % 3) / 4
        assert row.mean == pytest.approx((matching_a + matching_b) / 2, abs=2e-3)
        assert row.share == sum(value > 0 for value in alone) / 6
        assert row.low <= row.mean <= row.high
        assert row.relative == row.scale / REFERENCE


def test_the_organism_measured_in_chat_agrees_with_the_plain_loop():
    loaded = load()
    chosen = select(read("organism-oversight"), 6)
    made = vector_set(source=3, width=loaded.width, blocks=loaded.block_count)
    asked = MeasureRequest(
        choices=chosen, vectors=(MeasuredVector("set", 1),), scales=(-20, 20), controls=1, format=PromptFormat()
    )
    result = measure(loaded, asked, lambda source: made)
    assert result.by == "logit"
    assert result.letters == (("(A)", 3), ("(B)", 3))
    for row in result.rows:
        direction = made.unit(1) if row.kind == "vector" else random_directions(1, loaded.width, seed=0)[0]
        alone = [
            log_odds(loaded, item.question, asked.format, (item.matching, item.other), [Push(3, row.scale * direction)])
            for item in chosen.items
        ]
        assert row.mean == pytest.approx(sum(alone) / 6, abs=1e-3)


def test_the_baseline_stands_at_scale_0_and_moves_nothing(tiny):
    result = measure(tiny("llama"), request(), SETS.__getitem__)
    for row in result.rows:
        if row.scale == 0:
            assert row.differences == result.baseline.differences
            assert row.kl == 0
        else:
            assert row.kl > 0
            assert row.differences != result.baseline.differences


def test_relative_scales_are_in_units_of_the_sets_residual_norm(tiny):
    relative = measure(tiny("llama"), request(scales=(-1.5, 0.75), unit="r"), SETS.__getitem__)
    absolute = measure(tiny("llama"), request(scales=(-6.0, 3.0)), SETS.__getitem__)
    assert relative.rows == absolute.rows


WINDOWS = {
    (0, 1): ScaleWindow(0.1, 3.0, 2.0, 4.0),
    (0, -1): ScaleWindow(0.1, 6.0, 5.0, 6.0),
    (1, 1): ScaleWindow(0.1, 1.0, 0.5, 6.0),
    (1, -1): ScaleWindow(None, 0.1, None, 6.0),  # noise only
    (2, 1): ScaleWindow(None, 0.1, None, 6.0),
}


def test_found_scales_are_those_of_each_vector_and_sign_and_controls_stand_at_their_median(tiny):
    sets = {"some": SETS["some"].with_windows(WINDOWS)}
    asked = request(
        vectors=(*(MeasuredVector("some", row) for row in range(3)), MeasuredVector("some", mean=(0, 2))),
        scales=(-1.0, 0.0, 0.5),
        controls=1,
        unit="f",
    )
    result = measure(tiny("llama"), asked, sets.__getitem__)
    assert [(row.name, row.multiple, row.scale) for row in result.rows] == [
        ("some#0", -1, -5), ("some#0", 0, 0), ("some#0", 0.5, 1),
        ("some#1", -1, -0.5), ("some#1", 0, 0), ("some#1", 0.5, 0.25),  # the other sign's
        ("some#mean:0-2", -1, -5), ("some#mean:0-2", 0, 0), ("some#mean:0-2", 0.5, 0.625),
        ("random-0", -1, -5), ("random-0", 0, 0), ("random-0", 0.5, 0.625),
    ]  # fmt: skip
    assert all(row.relative == row.scale / REFERENCE for row in result.rows)
    assert result.warnings[1] == "Left out, since no scale was found for them in either sign: some#2."
    plain = measure(
        tiny("llama"), request(vectors=(MeasuredVector("some", 0),), scales=(-5.0, 1.0), controls=1), SETS.__getitem__
    )
    assert [row.mean for row in plain.rows[:2]] == pytest.approx([result.rows[0].mean, result.rows[2].mean], abs=1e-5)
    (line, drawn) = set_table([result]).lines
    assert (line.tried, drawn.tried) == (3, 1)
    assert set_table([result]).scales == (-1.0, 0.0, 0.5)
    # Both signs of a multiple are a pair, whatever their norms.
    both = measure(tiny("llama"), replace(asked, scales=(-1.0, 1.0)), sets.__getitem__)
    found = standings(both)[0]
    assert found.swing == pytest.approx(both.rows[1].mean - both.rows[0].mean)
    assert found.swing_at == 2.0


def test_multiples_of_found_scales_of_a_set_without_any_are_refused(tiny):
    with pytest.raises(InputError, match=r"Expected found scales in some for scales in multiples.*calibrate --vectors"):
        measure(tiny("llama"), request(unit="f"), SETS.__getitem__)
    with pytest.raises(InputError, match="Expected scales in f .found., r .relative. or a .absolute., got 'relative'"):
        request(unit="relative")


def test_an_average_of_rows_is_added_with_the_norm_asked_for(tiny):
    loaded = tiny("llama")
    asked = request(vectors=(MeasuredVector("some", mean=(0, 2)),), scales=(5.0,), controls=1)
    (row,) = measure(loaded, asked, SETS.__getitem__).curve(asked.vectors[0])
    average = SETS["some"].vectors[:2].mean(dim=0)
    push = Push(1, 5.0 * average / average.norm())
    alone = [log_odds(loaded, item.question, RAW, (item.matching, item.other), [push]) for item in items()]
    assert row.differences == pytest.approx(alone, abs=2e-3)
    assert row.vector == "mean:0-2"


def test_controls_are_drawn_at_every_layer_and_the_first_do_not_depend_on_how_many(tiny):
    both = request(vectors=(MeasuredVector("some", 0), MeasuredVector("late", 1)))
    result = measure(tiny("llama"), both, SETS.__getitem__)
    assert {(row.layer, row.vector) for row in result.rows if row.kind == "random"} == {
        (layer, f"random-{number}") for layer in (1, 2) for number in (0, 1)
    }
    more = measure(tiny("llama"), replace(both, controls=3), SETS.__getitem__)
    for few, many in zip(result.controls(2), more.controls(2), strict=False):
        assert few.differences == pytest.approx(many.differences, abs=1e-5)
    other = measure(tiny("llama"), replace(both, seed=1), SETS.__getitem__)
    assert result.controls(2)[0].differences != other.controls(2)[0].differences


def test_free_answers_are_scored_whole_and_weighed_alike(tiny):
    loaded = tiny("qwen3")
    free = [
        ChoiceItem("Does it help?", " Yes, it does.", " no"),
        ChoiceItem("How do I bake a loaf?", " I can't help with that.", " First, take a clean bowl."),
        ChoiceItem("3 + 4 =", " 7", " 12"),
    ]
    result = measure(loaded, request(choices=choices(free)), SETS.__getitem__)
    assert result.letters == ()
    assert result.by in ("log-probability", "mixed")
    for row in result.rows:
        assert row.mean == pytest.approx(sum(row.differences) / 3)
    expected = [log_odds(loaded, item.question, RAW, (item.matching, item.other)) for item in free]
    assert result.baseline.differences == pytest.approx(expected, abs=2e-3)


def test_items_that_cannot_be_scored_are_skipped_and_counted(tiny):
    odd = [
        ChoiceItem("Pick one.", " (C)", " (A)"),
        ChoiceItem("Pick one of many.", " (B)", " (D)"),
        ChoiceItem("The quick brown fox " * 80, " (A)", " (B)"),
    ]
    result = measure(tiny("gpt2"), request(choices=choices([odd[0], *items(), *odd[1:]])), SETS.__getitem__)
    assert [(item.number, item.reason) for item in result.skipped] == [
        (0, "answers other than (A) and (B)"),
        (7, "answers other than (A) and (B)"),
        (8, "too long for the model"),
    ]
    assert result.skipped_reasons() == {"answers other than (A) and (B)": 2, "too long for the model": 1}
    assert [item.number for item in result.items] == [1, 2, 3, 4, 5, 6]
    assert len(result.baseline.differences) == 6
    begins = [ChoiceItem("Does it?", " yes", " yes, it does")]
    with pytest.raises(InputError, match="got none: 1 × one answer begins with the other"):
        measure(tiny("gpt2"), request(choices=choices(begins)), SETS.__getitem__)


def test_the_share_done_never_falls(tiny, monkeypatch):
    monkeypatch.setattr("playground.analyses.choices.run._QUIET_SECONDS", 0)  # every share of every pass is told
    events = []
    measure(tiny("llama"), request(), SETS.__getitem__, events.append)
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert len(set(shares)) > len({event.done for event in events if event.new})
    assert shares[-1] == 1


def test_vectors_come_one_after_another_and_a_cancel_keeps_what_is_complete(tiny, monkeypatch):
    monkeypatch.setitem(answer_logits._TOKENS, "cpu", 1)  # one push a pass
    events = []
    stopped = measure(
        tiny("llama"), request(), SETS.__getitem__, events.append, lambda: bool(events) and events[-1].done >= 6
    )
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert events[0].result.baseline.vector == "baseline"
    finished = [event.new for event in events if event.new]
    # A control first, so that there is one whenever it is stopped.
    assert [rows[0].vector for rows in finished][:2] == ["random-0", "0"]
    assert all(event.seconds_to_go is None or event.seconds_to_go >= 0 for event in events)
    assert stopped.cancelled
    whole = measure(tiny("llama"), request(), SETS.__getitem__)
    assert not whole.cancelled
    kept = {(row.name, row.scale): row.mean for row in whole.rows}
    assert 6 <= len(stopped.rows) < len(whole.rows)
    for row in stopped.rows:
        assert row.mean == pytest.approx(kept[row.name, row.scale], abs=1e-4)


def test_the_interval_is_that_of_scipy_and_narrows_with_more_items():
    from scipy.stats import bootstrap

    values = torch.randn(60, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mean, low, high = Balance([""] * 60, seed=0).mean(values)
    other = bootstrap((values.numpy(),), lambda x, axis: x.mean(axis), method="percentile", rng=0).confidence_interval
    assert mean == pytest.approx(float(values.mean()))
    assert (low, high) == pytest.approx((other.low, other.high), abs=0.02)
    _, low_of_few, high_of_few = Balance([""] * 15, seed=0).mean(values[:15])
    assert high - low < high_of_few - low_of_few
    assert Balance(["A"] * 30 + ["B"] * 30, 3).mean(values) == Balance(["A"] * 30 + ["B"] * 30, 3).mean(values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scales": ()}, "Expected 1 to 101 scales, got 0"),
        ({"scales": ("five",)}, "Expected scales that are finite numbers, got 'five'"),
        ({"scales": (float("nan"),)}, "Expected scales that are finite numbers, got nan"),
        ({"vectors": ()}, "Expected 1 to 8192 vectors, got 0"),
        ({"vectors": (MeasuredVector("some", 0),) * 2}, "Expected different vectors"),
        ({"controls": 0}, "Expected a number of random controls from 1"),
        ({"max_items": 0}, "Expected a number of items of 1 or more, got 0"),
        ({"seed": -1}, "Expected a seed"),
        ({"positions": "some"}, "Expected positions all, prompt, last, generated or first-N"),
        ({"choices": PromptSet("p", "p", "p", "prompts", ("Hi",))}, "Expected a set of the kind choices"),
        ({"controls": 8000, "scales": tuple(range(100))}, "Expected at most 100000 pushes"),
    ],
)
def test_a_wrong_request_is_one_sentence(changes, said):
    with pytest.raises(InputError) as caught:
        request(**changes)
    assert str(caught.value).startswith(said)
    assert str(caught.value).count(". ") == 0


def test_sets_that_do_not_fit_are_refused(tiny):
    loaded = tiny("llama")
    with pytest.raises(InputError, match="^Expected rows of some from 0 to 2, got row 3"):
        measure(loaded, request(vectors=(MeasuredVector("some", 3),)), SETS.__getitem__)
    with pytest.raises(FileError, match="^Expected a set of width 32"):
        measure(loaded, request(), lambda source: vector_set(width=16))


def test_steering_only_what_comes_after_the_answer_is_refused(tiny):
    single = [ChoiceItem(f"Does it help {i}?", "Q", "7") for i in range(3)]
    with pytest.raises(InputError, match="^Expected positions that reach the answers, got generated tokens alone"):
        measure(tiny("llama"), request(choices=choices(single), positions="generated"), SETS.__getitem__)


def test_rows_that_are_not_finite_hold_no_numbers_and_a_sentence_says_from_where(tiny):
    loaded = tiny("qwen3")
    asked = request(scales=(-1e30, -3.0, 3.0, 1e30), vectors=(MeasuredVector("some", 0),), controls=1)
    result = measure(loaded, asked, SETS.__getitem__)
    for row in result.rows:
        numbers = (row.mean, row.low, row.high, row.share, row.kl, *row.differences, *row.divergences)
        assert {math.isnan(number) for number in numbers} == {abs(row.scale) > 3}
    assert "4 rows hold no numbers" in result.warnings[-1]
    assert "not finite from block 1 on" in result.warnings[-1]
    finite = measure(loaded, replace(asked, scales=(-3.0, 3.0)), SETS.__getitem__)
    for one, other in zip(standings(result), standings(finite), strict=True):
        assert one.swing == pytest.approx(other.swing, abs=1e-4)
        assert (one.swing_at, one.best_scale) == (other.swing_at, other.best_scale)
        assert one.best_place == other.best_place + 1
    line, _ = set_table([result]).lines
    assert (line.values[0], line.values[-1]) == (None, None)
    assert math.isfinite(line.span)
    kept = from_document(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert [math.isnan(row.mean) for row in kept.rows] == [math.isnan(row.mean) for row in result.rows]
    assert math.isnan(kept.rows[0].differences[0])
