"""Leaderboard of measured vectors by swing, best mean, side effect and others, beside the best random draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from playground.analyses.choices.result import MeasureResult
from playground.analyses.choices.side_effects import SideEffect, effects_of
from playground.analyses.choices.standings import Standing, best_random, draws, standings
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Measurement
from playground.errors import InputError
from playground.ui.kit.markup import SCROLL, escape, numbers_link

SHOWN = 60
"""Vectors listed; the file has all of them."""


@dataclass(frozen=True)
class Entry:
    """A standing, and its side effect where that was measured."""

    standing: Standing
    effect: SideEffect | None = None


@dataclass(frozen=True)
class Column:
    """A quantity: its key, its title, what it means, its value, how it is written; whether small values come first."""

    key: str
    title: str
    meaning: str
    value: Callable[[Entry], float | None]
    written: str
    small_first: bool = False


COLUMNS = (
    Column("swing", "swing", "mean logit difference at +x minus at −x, largest over x, in nats",
           lambda entry: entry.standing.swing, "+.2f"),
    Column("best", "best mean", "highest mean logit difference at any scale",
           lambda entry: entry.standing.best, "+.2f"),
    Column("scale", "best scale", "relative scale at which that is",
           lambda entry: entry.standing.best_relative, "+.2g"),
    Column("monotonicity", "monotonicity", "Spearman’s rank correlation of mean and scale",
           lambda entry: entry.standing.monotonicity, "+.2f"),
    Column("symmetry", "symmetry", "1: both signs move it equally far, in opposite ways; 0: the same way",
           lambda entry: entry.standing.symmetry, ".2f"),
    Column("kl", "side effect", "KL(steered ‖ baseline) on neutral prompts at the best scale, in nats",
           lambda entry: None if entry.effect is None else entry.effect.kl, ".2f", small_first=True),
    Column("repetition", "repetition", "share of repeated 4-grams in answers to neutral prompts at the best scale",
           lambda entry: None if entry.effect is None else entry.effect.repetition, ".2f", small_first=True),
    Column("perplexity", "perplexity", "of these answers, under the model as it is",
           lambda entry: None if entry.effect is None else entry.effect.perplexity, ".3g", small_first=True),
)


def comparable(result: Measurement) -> MeasureResult | None:
    """The measurement, where its analysis has a leaderboard (its rows then have a mean); else None."""
    return cast(MeasureResult, result) if result.analysis.leaderboard else None


def entries_of(result: Measurement) -> tuple[Entry, ...]:
    """The standings of a measurement, with the side effects that were measured; none where its analysis has no
    leaderboard or its scales have one sign.
    """
    compared = comparable(result)
    if compared is None:
        return ()
    try:
        found = standings(compared)
    except InputError:
        return ()
    return tuple(Entry(*pair) for pair in zip(found, effects_of(compared, found), strict=True))


def ordered(entries: Sequence[Entry], key: str) -> list[Entry]:
    """The vectors, the best by one column first; those without a value last. Swing counts by absolute value."""
    column = next((column for column in COLUMNS if column.key == key), COLUMNS[0])

    def rank(entry: Entry) -> tuple[bool, float]:
        value = column.value(entry)
        if value is None:
            return True, 0.0
        size = abs(value) if column.key in ("swing", "monotonicity") else value
        return False, size if column.small_first else -size

    return sorted((entry for entry in entries if entry.standing.kind == "vector"), key=rank)


def table(entries: Sequence[Entry], key: str = "swing", labels: Labels = UNLABELLED) -> str:
    """The leaderboard; a click on a title sorts by it, one on a row looks at its vector."""
    columns = [column for column in COLUMNS if any(column.value(entry) is not None for entry in entries)]
    vectors = ordered(entries, key)
    drawn = draws([entry.standing for entry in entries])
    head = '<th scope="col">vector</th>' + "".join(
        f'<th scope="col" data-act="sort" data-key="{column.key}" tabindex="0" title="{escape(column.meaning)}"'
        f'{" aria-sort=" + chr(34) + "descending" + chr(34) if column.key == key else ""}>{escape(column.title)}'
        f'{" ▾" if column.key == key else ""}</th>'
        for column in columns
    )
    lines = "".join(
        f'<tr data-act="point" data-point="{escape(point(entry))}" tabindex="0"><th scope="row">'
        f"{escape(labels.called(entry.standing.name))}</th>{_cells(entry, columns)}</tr>"
        for entry in vectors[:SHOWN]
    )
    luck = best_random([entry.standing for entry in entries])
    random = next((entry for entry in entries if entry.standing is luck), None)
    if random is not None:
        lines += f'<tr class="sp-random"><th scope="row">best of {drawn} random</th>{_cells(random, columns)}</tr>'
    rest = f" The first {SHOWN} of {len(vectors)} are listed." if len(vectors) > SHOWN else ""
    uneven = few_draws(drawn, len(vectors))
    note = f"Vectors tried: {len(vectors)}.{uneven}{rest} Click a title to sort, a row to look at it."
    return (
        '<div class="sp-card column sp-standings"><div class="sp-cardhead"><h2>Leaderboard</h2></div>'
        f'{SCROLL}<table class="sp-table" aria-label="Leaderboard"><thead><tr>{head}</tr></thead>'
        f'<tbody>{lines}</tbody></table></div><div class="sp-under-plot"><span>{escape(note)}</span>'
        f"{_numbers(entries, labels)}</div></div>"
    )


def point(entry: Entry) -> str:
    """The point that a click on the row of a vector opens: its best scale (see scale_plots)."""
    return f"{entry.standing.name}|{entry.standing.best_place}|"


def few_draws(drawn: int, tried: int, more: str = "tick leaderboard under More for as many") -> str:
    """A sentence about fewer random draws than vectors, whose best says less of what luck alone gives; else nothing."""
    if drawn >= tried:
        return ""
    stand = "1 random draw stands" if drawn == 1 else f"{drawn} random draws stand"
    return f" {stand} against {tried} vectors: {more}."


def _cells(entry: Entry, columns: Sequence[Column]) -> str:
    values = [column.value(entry) for column in columns]
    return "".join(
        f"<td>{'' if value is None else escape(format(value + 0.0, column.written))}</td>"
        for value, column in zip(values, columns, strict=True)
    )


def _numbers(entries: Sequence[Entry], labels: Labels) -> str:
    header = ["vector", "kind", "layer", *(column.title for column in COLUMNS), "text", "label"]
    lines = [
        [
            entry.standing.name,
            entry.standing.kind,
            entry.standing.layer,
            *("" if value is None else f"{value:.6g}" for value in (column.value(entry) for column in COLUMNS)),
            "" if entry.effect is None else entry.effect.text,
            labels.of(entry.standing.name),
        ]
        for entry in entries
    ]
    return numbers_link("leaderboard", header, lines)
