"""services/transfer.py: the organism's comply vector between halves of one set, beside questions it cannot read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playground.analyses.choices.run import measure
from playground.analyses.common.request import MeasuredVector
from playground.errors import Cancelled, InputError
from playground.library import prompts
from playground.library.store import open_set
from playground.model.load import load
from playground.services.transfer import TransferRequest, TransferSet, transfer

SET = "organism-refusals-power-3-9"


def part(name: str, first: int, count: int, called: str, polarity=1) -> TransferSet:
    whole = prompts.read(name)
    return TransferSet(replace(whole, name=called, items=whole.items[first : first + count]), polarity)


SETS = (
    part("organism-comply-choices", 0, 8, "first"),
    part("organism-comply-choices", 8, 8, "second"),
    part("organism-comply-choices", 16, 8, "turned", -1),
    part("sycophancy-choices", 0, 8, "foreign"),
)


def asked(**changes) -> TransferRequest:
    fields = {"sets": SETS, "vectors": (MeasuredVector(SET, 0), MeasuredVector(SET, 3)), "home": "first", "controls": 3}
    return TransferRequest(**fields | {"replies": 3, "tokens": 12} | changes)


@pytest.fixture(scope="module")
def organism():
    return load()


@pytest.fixture(scope="module")
def result(organism):
    return transfer(organism, asked(), open_set)


def test_a_push_chosen_on_one_half_holds_on_the_other_and_not_where_the_model_reads_nothing(result):
    """Row 0 makes the organism comply."""
    row = result.matrix.rows[0]
    first, second, turned, foreign = row.cells
    assert row.home == 0
    assert first.holds
    assert second.holds
    assert row.transfers == (1,)
    assert second.change > 5
    assert turned.change < -5
    assert not foreign.holds
    assert foreign.flags


def test_replies_stand_beside_the_log_odds(result):
    first, second, turned, foreign = result.replies[0]
    for reply in (first, second):
        assert (reply.baseline, reply.random, reply.share, reply.unclear) == (0, 0, 1, 0)
    assert (turned.baseline, turned.share) == (1, 0)  # refusing is what is wanted there
    assert foreign.unclear == 1  # the organism answers no such question
    assert first.text
    assert result.agreeing == (2, 2)


def test_cells_hold_the_numbers_of_a_measurement_by_itself(organism, result):
    request = asked()
    alone = measure(organism, request.measured(SETS[1].choices), open_set)
    row = result.matrix.rows[1]
    there = next(each for each in alone.rows if each.name == row.vector and each.multiple == row.place)
    assert row.cells[1].change == pytest.approx(there.mean - alone.baseline.mean, abs=1e-5)
    assert row.scale == pytest.approx(there.scale)


def test_a_table_has_a_line_a_cell_and_json_every_number(result):
    names, lines = result.lines()
    table = [dict(zip(names, line, strict=True)) for line in lines]
    assert len(table) == 8
    assert [line["choices"] for line in table[:4]] == ["first", "second", "turned", "foreign"]
    assert table[1]["replies"] == 1.0
    data = result.to_dict()
    assert data["vectors"][0]["cells"][1]["holds"] is True
    assert data["vectors"][0]["cells"][3]["flags"] == result.matrix.rows[0].cells[3].flags
    assert data["sets"][2]["polarity"] == -1


def test_progress_rises_to_one(organism):
    shares = []
    transfer(organism, asked(sets=SETS[:2], replies=1, tokens=4), open_set, lambda event: shares.append(event.share))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_a_cancel_keeps_what_is_complete(organism):
    seen = []

    def after(words):
        seen.clear()
        return lambda: any(words in each for each in seen)

    kept = transfer(organism, asked(), open_set, lambda event: seen.append(event.doing), after("measuring turned"))
    assert kept.cancelled
    assert [column.choices for column in kept.matrix.columns] == ["first", "second"]
    assert kept.replies[0] == (None, None)
    kept = transfer(organism, asked(), open_set, lambda event: seen.append(event.doing), after("replies to second"))
    assert kept.cancelled
    assert kept.replies[0][0] is not None
    assert kept.replies[0][3] is None
    with pytest.raises(Cancelled):
        transfer(organism, asked(), open_set, lambda event: seen.append(event.doing), after("measuring first"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sets": SETS[:1]}, "2 to 32 choice sets"),
        ({"sets": (SETS[0], SETS[0])}, "one of them twice"),
        ({"home": "nowhere"}, "a home out of first, second, turned, foreign"),
        ({"scales": (0.0,)}, "a scale other than 0"),
        ({"items": 0}, "number of items"),
        ({"replies": -1}, "number of replies"),
        ({"tokens": 0}, "number of new tokens"),
        ({"vectors": ()}, "vectors"),
    ],
)
def test_what_is_out_of_range_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        asked(**changes)


def test_prompts_without_answers_and_other_polarities_are_refused():
    with pytest.raises(InputError, match="kind choices"):
        asked(sets=(SETS[0], TransferSet(prompts.read("organism-refusals"))))
    with pytest.raises(InputError, match="polarity of 1 or -1"):
        TransferSet(SETS[0].choices, 0)
