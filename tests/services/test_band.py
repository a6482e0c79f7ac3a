"""services/band: the search of a band against a plain loop, its verification, its set, stop and refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.geometry import orthonormalise
from playground.errors import Cancelled, FileError, InputError
from playground.library.origin import Origin, RowNote, now
from playground.library.prompt_set import ChoiceItem, ContrastPair, PromptSet
from playground.library.prompts import built_in
from playground.library.store import open_set
from playground.library.vector_set import VectorSet, from_bytes, to_bytes
from playground.limits import PUBLIC, tightened
from playground.model.prompting import PromptFormat, encode
from playground.services.band import BandRequest, band_of, bands_of, dealt, own_prompts, search_band
from playground.services.push_effects import Divergence, LogOdds, LogProbability

RAW = PromptFormat(chat=False)
THINGS = ("a loaf", "it", "my old hat")
PROMPTS = tuple(f"{verb} {thing}." for verb in ("Bake", "Fold", "Lift", "Paint") for thing in THINGS)
POOL = PromptSet("pool", "", "", "prompts", PROMPTS, chat=False)
CHOICES = PromptSet(
    "choices", "", "", "choices",
    tuple(ChoiceItem(f"{prompt} Is it so?\n(A) Yes.\n(B) No.", *letters) for number, prompt in enumerate(PROMPTS)
          for letters in [("(A)", "(B)") if number % 2 else ("(B)", "(A)")]),
)  # fmt: skip
SIGMAS = torch.tensor([9.0, 5.0, 4.9, 4.8, 4.7, 1.0])
BAND = (1, 2, 3, 4)


def set_of(loaded, **changes) -> VectorSet:
    rows = orthonormalise(random_directions(len(SIGMAS), loaded.width, 3))
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count,
        source=1, target=2, target_tokens=2, method="power", prompts=PROMPTS[:2], residual_norm=8.0, created=now(),
        chat=False,
    )  # fmt: skip
    values = {"singular_values": SIGMAS, "residuals": torch.zeros(len(SIGMAS)), **changes}
    return VectorSet(rows, origin, **values, notes=tuple(RowNote(label=f"row {row}") for row in range(6)), name="mine")


def asked(loaded, target="kl", pool=POOL, **changes) -> BandRequest:
    search, held_out = dealt(pool, 3, 5)
    values = dict(
        source_set=set_of(loaded), rows=BAND, target=target, search=search, held_out=held_out, scale=0.5, format=RAW,
        budget=48, tokens=0, word="It helps." if target == "word" else None,
    )  # fmt: skip
    return BandRequest(**{**values, **changes})


def effect(loaded, request, prompts):
    if request.target == "choices":
        return LogOdds(loaded, prompts, RAW)
    if request.target == "word":
        return LogProbability(loaded, prompts.texts(), RAW, request.word)
    return Divergence(loaded, encode(loaded, prompts.texts(), RAW))


@pytest.fixture(scope="module")
def loaded(tiny):
    return tiny("qwen3")


def test_a_band_is_the_run_of_neighbours_that_a_row_is_in(loaded):
    vector_set = set_of(loaded)
    assert band_of(vector_set, 2) == band_of(vector_set, 1) == BAND
    assert band_of(vector_set, 2, 0.0205) == (1, 2, 3)
    assert band_of(vector_set, 0, 0.5) == (0, 1, 2, 3, 4)
    with pytest.raises(InputError, match=r"got row 0, which stands alone; choose another row"):
        band_of(vector_set, 0)
    with pytest.raises(InputError, match="Expected a set with singular values"):
        band_of(set_of(loaded, singular_values=None), 0)
    with pytest.raises(InputError, match="Expected rows of “mine” from 0 to 5"):
        band_of(vector_set, 6)
    with pytest.raises(InputError, match="Expected a width of a band from 0 to 1"):
        band_of(vector_set, 0, 1.5)


def test_bands_of_a_set_are_its_runs_of_at_least_two_rows(loaded):
    assert bands_of(set_of(loaded)) == (BAND,)
    assert bands_of(set_of(loaded), 0.0205) == ((1, 2, 3),)
    assert bands_of(set_of(loaded), 0.001) == bands_of(set_of(loaded, singular_values=None)) == ()


def test_held_out_prompts_are_none_of_the_search_and_none_that_the_rows_were_found_on():
    search, held_out = dealt(POOL, 3, 5, known=PROMPTS[:5])
    assert search.items == PROMPTS[:3]
    assert held_out.items == PROMPTS[5:10]
    assert not set(search.texts()) & set(held_out.texts())
    assert dealt(POOL, 3, 100)[1].items == PROMPTS[3:]
    choices, others = dealt(CHOICES, 2, 3)
    assert (choices.kind, choices.items, others.items) == ("choices", CHOICES.items[:2], CHOICES.items[2:5])
    pairs = PromptSet("pairs", "", "", "contrast", (ContrastPair("a", "b"), ContrastPair("b", "c")))
    assert [one.items for one in dealt(pairs, 2, 2)] == [("a", "b"), ("c",)]
    with pytest.raises(InputError, match="Expected prompts of “pool” to hold out, got none"):
        dealt(POOL, 12, 5)
    with pytest.raises(InputError, match="Expected prompts of “pool” to hold out, got none"):
        dealt(POOL, 2, 5, known=PROMPTS)


def test_prompts_of_a_set_come_before_the_rest_of_the_prompt_set_they_are_of(loaded):
    own = own_prompts(set_of(loaded))
    assert (own.items, own.chat, own.name) == (PROMPTS[:2], False, "mine")
    shipped = open_set("organism-refusals-power-3-9")
    found = own_prompts(shipped)
    assert found.items[:8] == shipped.origin.prompts
    assert set(found.items) == set(built_in()["organism-refusals"].items)
    bare = replace(set_of(loaded), origin=replace(shipped.origin, width=loaded.width, prompts=(), prompt_set=None))
    with pytest.raises(InputError, match="Expected a set that says the prompts it was found on"):
        own_prompts(bare)


@pytest.mark.parametrize("target", ["kl", "word", "choices"])
def test_what_is_found_is_a_unit_direction_of_the_span_with_the_values_of_a_plain_loop(loaded, target):
    request = asked(loaded, target, CHOICES if target == "choices" else POOL)
    found = search_band(loaded, request)
    vector_set = request.source_set
    units = torch.stack([vector_set.unit(row) for row in BAND])
    for judged in (found.found, found.random, found.best_row):
        assert float(judged.direction.norm()) == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(units.T @ (units @ judged.direction), judged.direction, atol=1e-5, rtol=0)
        pushed = 0.5 * vector_set.origin.residual_norm * judged.direction[None]
        for prompts, value in ((request.search, judged.search), (request.held_out, judged.held_out)):
            own = effect(loaded, request, prompts)
            assert float(own.mean(own.read(1, pushed))[0]) == pytest.approx(value, rel=1e-3, abs=1e-5)
    torch.testing.assert_close(found.best_row.direction, found.sign * vector_set.unit(found.row))
    torch.testing.assert_close(found.cosines, units @ found.found.direction, atol=1e-5, rtol=0)
    assert found.ahead == int((found.found.by_prompt > found.random.by_prompt).sum())
    assert found.gain == pytest.approx(found.found.held_out - found.random.held_out)
    assert (found.evaluations, found.cancelled) == (48, False)
    if target != "word":
        assert found.baseline.held_out == pytest.approx(0, abs=1e-5)


def test_on_the_prompts_of_the_search_it_is_at_least_as_good_as_every_row_and_sign(loaded):
    for seed in range(3):
        request = asked(loaded, seed=seed, budget=24)
        found, own = search_band(loaded, request), effect(loaded, request, request.search)
        units = torch.stack([request.source_set.unit(row) for row in BAND])
        values = own.mean(own.read(1, 4.0 * torch.cat([units, -units])))
        assert found.found.search >= float(values.max()) - 1e-5
        assert found.best_row.search == pytest.approx(float(values.max()), rel=1e-3)
        torch.testing.assert_close(found.vector_set.objective[1:], values[:4].float(), rtol=1e-3, atol=1e-5)


def test_equal_seeds_find_the_same(loaded):
    first, again, other = (search_band(loaded, asked(loaded, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(first.found.direction, again.found.direction)
    assert not torch.equal(first.random.direction, other.random.direction)


def test_the_set_has_what_was_found_before_the_rows_and_survives_its_file(loaded):
    windows = {"onsets": torch.ones(6, 2), "scales_tried": torch.full((6, 2), 9.0)}
    request = asked(loaded, "word", source_set=set_of(loaded, **windows))
    result = search_band(loaded, request)
    made = from_bytes(to_bytes(result.vector_set), "again")
    torch.testing.assert_close(made.vectors[0], result.found.direction)
    assert torch.equal(made.vectors[1:], request.source_set.vectors[list(BAND)])
    assert [note.label for note in made.notes] == [
        "log p of “It helps.” in a band of 4 rows", "row 1", "row 2", "row 3", "row 4",
    ]  # fmt: skip
    assert made.window(0, 1) is None
    assert made.window(1, 1).onset == 1
    assert made.residuals is None
    gain = math.sqrt(sum(float(c * s) ** 2 for c, s in zip(result.cosines, SIGMAS[1:5], strict=True)))
    assert made.singular_values.tolist() == pytest.approx([gain, *SIGMAS[1:5].tolist()])
    origin = made.origin
    assert (origin.method, origin.source, origin.residual_norm) == ("band", 1, 8.0)
    assert origin.prompts == PROMPTS[:3]
    assert origin.parameters["held_out_prompts"] == list(PROMPTS[3:8])
    assert origin.parameters["rows"] == list(BAND)
    assert origin.parameters["found"] == pytest.approx([result.found.search, result.found.held_out])


def test_texts_are_written_with_it_and_without_a_push(loaded):
    found = search_band(loaded, asked(loaded, tokens=4, budget=16))
    assert all(isinstance(one.text, str) for one in (found.found, found.random, found.best_row, found.baseline))
    assert found.baseline.noise is False


@pytest.mark.parametrize(
    ("found", "random", "ahead", "said"),
    [
        (2.0, 1.5, 4, "The search beat the best of as many random directions of the span (16) by +0.500 nats"),
        (2.0, 1.5, 2, "that may be chance"),
        (1.5, 1.75, 2, "The search did not beat the best of as many random directions of the span (16): −0.250 nats"),
        (math.nan, 1.5, 0, "nothing can be said"),
    ],
)
def test_the_verdict_says_whether_it_beat_random_where_it_did_not_look(loaded, found, random, ahead, said):
    result = search_band(loaded, asked(loaded, budget=16))
    result = replace(
        result, ahead=ahead, found=replace(result.found, held_out=found),
        random=replace(result.random, held_out=random), best_row=replace(result.best_row, held_out=1.9),
    )  # fmt: skip
    assert said in result.verdict
    if not math.isnan(found):
        assert f"ahead of it on {ahead} of 5" in result.verdict
        row = f"row {result.row}{'+' if result.sign > 0 else '−'}"
        more = "more than" if found > 1.9 else "no more than"
        assert f"It does {more} the best single row, {row}" in result.verdict


def test_texts_follow_the_shortest_held_out_prompt(loaded):
    request = asked(loaded, tokens=4, budget=16)
    result = search_band(loaded, request)
    lengths = encode(loaded, request.held_out.texts(), RAW).lengths
    assert result.prompt == request.held_out.texts()[lengths.index(min(lengths))]
    assert search_band(loaded, asked(loaded, budget=16)).prompt is None


def test_rows_need_not_be_orthonormal(loaded):
    rows = torch.randn(3, loaded.width, generator=torch.Generator().manual_seed(0))
    leaning = replace(set_of(loaded), vectors=torch.cat([rows, rows[:1] + rows[1:2], -rows[:1], rows[2:]]))
    found = search_band(loaded, asked(loaded, source_set=leaning, rows=(0, 1, 3)))
    assert float(found.found.direction.norm()) == pytest.approx(1, abs=1e-5)
    plane = orthonormalise(rows[:2])
    torch.testing.assert_close(found.found.direction @ plane.T @ plane, found.found.direction, atol=1e-4, rtol=0)
    with pytest.raises(InputError, match="Expected rows that span a plane"):
        search_band(loaded, asked(loaded, source_set=leaning, rows=(0, 4)))


def test_a_stop_keeps_the_best_so_far_and_verifies_it(loaded):
    events = []
    request = asked(loaded, budget=4000)
    found = search_band(loaded, request, events.append, lambda: len(events) >= 3)
    assert found.cancelled
    assert 8 <= found.evaluations < 4000
    assert math.isfinite(found.found.held_out)
    assert found.vector_set.origin.parameters["evaluations"] == found.evaluations
    assert [event.share for event in events] == sorted(event.share for event in events)
    assert events[-1].share == 1
    with pytest.raises(Cancelled):
        search_band(loaded, request, cancelled=lambda: True)


def test_a_stop_after_the_search_loses_nothing(loaded):
    events = []
    request = asked(loaded)
    found = search_band(loaded, request, events.append, lambda: bool(events) and events[-1].evaluations == 48)
    assert (found.evaluations, found.cancelled) == (48, False)
    assert torch.equal(found.found.direction, search_band(loaded, request).found.direction)


def test_what_cannot_be_searched_is_refused(loaded):
    cases = {
        "Expected at least two rows to span a band, got row 2": dict(rows=(2, 2)),
        "Expected rows of “mine” from 0 to 5": dict(rows=(1, 9)),
        "Expected a target: kl, word or choices": dict(target="swing"),
        "Expected a continuation with the target word": dict(word="a"),
        "Expected a continuation with text in it": dict(target="word", word=" "),
        "Expected a relative scale above 0": dict(scale=0),
        "Expected 16 to 100000 directions to try": dict(budget=15),
        "Expected a number of new tokens": dict(tokens=3),
        "Expected choice items, questions with two answers, got pool": dict(target="choices"),
        "Expected held-out prompts that the search does not read": dict(held_out=POOL),
    }
    for said, changes in cases.items():
        with pytest.raises(InputError, match=said):
            asked(loaded, **changes)
    with pytest.raises(InputError, match="Expected a continuation with the target word"):
        asked(loaded, target="word", word=None)
    with tightened(PUBLIC), pytest.raises(InputError, match="Expected 16 to 1000 directions"):
        asked(loaded, budget=1001)
    wide = replace(set_of(loaded).origin, width=loaded.width + 1)
    other = VectorSet(torch.eye(loaded.width + 1)[:4], wide, name="wide")
    with pytest.raises(FileError, match="Expected a set of width"):
        search_band(loaded, asked(loaded, source_set=other, rows=(0, 1, 2)))
    with pytest.raises(FileError, match="norm 0"):
        search_band(loaded, asked(loaded, source_set=replace(set_of(loaded), vectors=torch.zeros(6, loaded.width))))
