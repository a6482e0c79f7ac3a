"""The table of a scan: which texts are shown, in which order, in how many groups; and quick with thousands."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from playground.library.origin import RowNote
from playground.services.scan import Cell, Group, ScanRequest, ScanResult
from playground.services.scan.group import group_cells
from playground.ui.scan.limits import Limits, read_limits
from playground.ui.scan.table import table
from playground.ui.scan.view import PAGE, ScanView, sections

VERBS = ("bake", "build", "carry", "draw", "find", "gather", "hide", "kick", "lift", "mend", "paint", "sell")


def made(vectors: int, prompts: int = 1) -> ScanResult:
    """Both signs of so many vectors at one scale: texts of twelve sorts, every tenth noise."""
    base = Cell("", None, 1, 0.0, 0.0, 0, 0, "I can't help.", (1,), True, 0.0, 0.0, 1.5, False, 0.0)
    cells = []
    for prompt in range(prompts):
        for row in range(vectors):
            for sign in (1, -1):
                verb = VERBS[(row + (sign > 0)) % 12]
                text = f"First, {verb} the <b>kite</b> number {row}; then {verb} it again, and {verb} the last one."
                cells.append(
                    Cell(
                        f"a#{row}@{4.2 * sign:g}", row, sign, 0.3, 4.2, prompt, 0, text, (row,), True,
                        (row * 7 % 100) / 10, row % 5 / 10, 1 + row % 9, row % 10 == 9, row % 11 / 10,
                    )
                )  # fmt: skip
    baselines = tuple(replace(base, prompt=prompt) for prompt in range(prompts))
    names = tuple(f"Prompt <i>{prompt}</i>" for prompt in range(prompts))
    return ScanResult(
        request=ScanRequest(source="a", scales=(0.3,), prompts=names), model="tiny", fingerprint="0", dtype="float32",
        layer=3, residual_norm=14.0, set_hash="", planned=len(cells), warnings=(), versions={},
        created="2026-01-01T00:00:00+00:00", baselines=baselines, cells=tuple(cells),
    )  # fmt: skip


EVERYTHING = ScanView(hide_noise=False, hide_discarded=False, group_alike=False)


def shown(result: ScanResult, view: ScanView, notes: tuple[RowNote, ...] = ()) -> list[Cell]:
    return [result.cells[entry.cells[0]] for part in sections(result, view, notes) for entry in part.entries]


def test_filters_take_away_noise_discarded_vectors_other_groups_and_other_texts() -> None:
    result = made(20)
    grouped = replace(result, groups=(Group("even", tuple(range(0, 40, 2))), Group("odd", tuple(range(1, 40, 2)))))
    notes = tuple(RowNote(discarded=row == 3, star=row == 5) for row in range(20))
    assert len(shown(result, EVERYTHING, notes)) == 40
    assert not any(cell.noise for cell in shown(result, replace(EVERYTHING, hide_noise=True), notes))
    assert 3 not in {cell.row for cell in shown(result, replace(EVERYTHING, hide_discarded=True), notes)}
    assert {cell.row for cell in shown(result, replace(EVERYTHING, starred_only=True), notes)} == {5}
    assert shown(result, replace(EVERYTHING, starred_only=True)) == []
    assert {cell.sign for cell in shown(grouped, replace(EVERYTHING, group="0"), notes)} == {1}
    assert len(shown(result, replace(EVERYTHING, contains=" NUMBER 7;"), notes)) == 2


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("effect", lambda cell: (cell.noise, -cell.changed)),
        ("changed", lambda cell: -cell.changed),
        ("kl", lambda cell: -cell.kl),
        ("repetition", lambda cell: cell.repetition),
        ("perplexity", lambda cell: cell.perplexity),
        ("vector", lambda cell: cell.row),
        ("scale", lambda cell: (cell.scale, cell.row)),
        ("noise", lambda cell: (cell.noise, cell.repetition + cell.perplexity / 10)),
    ],
)
def test_every_order_is_what_it_says(sort: str, key) -> None:
    keys = [key(cell) for cell in shown(made(40), replace(EVERYTHING, sort=sort))]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("limits", "within"),
    [
        (Limits(kl=3.5), lambda cell: cell.kl >= 3.5),
        (Limits(changed=0.4), lambda cell: cell.changed >= 0.4),
        (Limits(repetition=0.2), lambda cell: cell.repetition <= 0.2),
        (Limits(perplexity=4), lambda cell: cell.perplexity <= 4),
        (
            Limits(kl=2, changed=0.2, repetition=0.3, perplexity=6),
            lambda cell: cell.kl >= 2 and cell.changed >= 0.2 and cell.repetition <= 0.3 and cell.perplexity <= 6,
        ),
    ],
)
def test_limits_let_through_what_is_within_all_of_them(limits: Limits, within) -> None:
    result = made(40)
    wanted = [cell for cell in result.cells if within(cell)]
    assert 0 < len(wanted) < len(result.cells)
    assert shown(result, replace(EVERYTHING, sort="vector", limits=limits)) == wanted


def test_a_text_without_a_perplexity_is_within_no_limit_of_it_and_sorted_last() -> None:
    result = made(3)
    cells = (replace(result.cells[0], text="", perplexity=None), *result.cells[1:])
    result = replace(result, cells=cells)
    assert shown(result, replace(EVERYTHING, sort="perplexity"))[-1] == cells[0]
    assert cells[0] not in shown(result, replace(EVERYTHING, limits=Limits(perplexity=1000)))


def test_limits_are_read_as_typed_and_empty_is_none() -> None:
    assert read_limits(["", " ", None, ""]) == (Limits(), "")
    assert read_limits(["0", "50", " 12.5 % ", "8"]) == (Limits(0.0, 0.5, 0.125, 8.0), "")


@pytest.mark.parametrize("bad", ["much", "nan", "inf", "1,5", "3 %", [], "%"])
def test_a_limit_that_is_no_number_limits_nothing_and_is_told_in_one_sentence(bad: object) -> None:
    view = ScanView.of(["kl", False, False, False, False, "all", "", bad, "", "30", ""])
    assert view.limits == Limits(repetition=0.3)
    assert view.wrong.startswith("Expected a ")
    assert "“KL, at least”" in view.wrong


def test_the_numbers_that_one_sorts_and_filters_by_are_in_the_table() -> None:
    result = made(4)
    page = table(result, replace(EVERYTHING, limits=Limits(repetition=0.2)), ())
    assert page.count("changed 20 %") == 2
    assert "changed 30 %" not in page
    assert "2 of 8 texts filtered out" in page
    assert "filtered out" not in table(result, EVERYTHING, ())


def test_groups_stand_in_the_order_of_the_numbers_they_show() -> None:
    groups = tuple(Group(str(first), tuple(range(first, 80, 5))) for first in range(5))
    view = replace(EVERYTHING, group_alike=True, sort="kl")
    values = [cell.kl for cell in shown(replace(made(40), groups=groups), view)]
    assert len(values) == 5
    assert values == sorted(values, reverse=True)


def test_a_group_is_one_line_with_its_members_and_every_prompt_a_section() -> None:
    result = made(30, prompts=2)
    result = replace(result, groups=group_cells(result.cells, result.baselines))
    view = replace(EVERYTHING, group_alike=True)
    first, second = sections(result, view, ())
    assert (first.prompt, second.prompt) == (0, 1)
    assert sum(len(entry.cells) for entry in first.entries) == 60
    assert len({entry.group for entry in first.entries}) == len(first.entries) < 20
    page = table(result, view, ())
    assert page.count('class="sp-scanhead"') == 2
    assert "signed vectors" in page


def test_texts_and_names_stay_text() -> None:
    page = table(made(1), EVERYTHING, (RowNote(label='"><script>'),))
    assert "<script" not in page
    assert "<b>kite" not in page
    assert "<i>0</i>" not in page
    assert "Prompt &lt;i&gt;0&lt;/i&gt;" in page


def test_pages_hold_every_entry_once() -> None:
    result = made(100)
    firsts = range(0, 200, PAGE)
    pages = [table(result, EVERYTHING, (), first) for first in firsts]
    assert sum(page.count('<tr class="sp-cell') for page in pages) == 200
    assert "later" not in pages[-1]
    assert table(result, EVERYTHING, (), 10_000) == pages[-1]


def test_nothing_left_by_the_filters_says_so() -> None:
    assert "No text passes the filters" in table(made(3), replace(EVERYTHING, contains="nowhere"), ())


def test_1500_vectors_are_grouped_and_page_smoothly(quickest: Callable) -> None:
    """3000 texts on each of two prompts: a page in far less than the half second that a click may take."""
    result = made(1500, prompts=2)
    begun = time.thread_time()
    result = replace(result, groups=group_cells(result.cells, result.baselines))
    assert time.thread_time() - begun < 20
    notes = (RowNote(label="a name"),) * 1500
    limited = replace(EVERYTHING, sort="perplexity", limits=Limits(kl=0.1, changed=0.1, repetition=0.9, perplexity=9))
    searched = replace(EVERYTHING, sort="kl", contains="kite")
    for view in (EVERYTHING, replace(EVERYTHING, group_alike=True), searched, limited):
        assert quickest(lambda view=view: table(result, view, notes, 3000)) < 0.25
        assert len(table(result, view, notes, 3000)) < 300_000  # what a browser takes in without a pause
