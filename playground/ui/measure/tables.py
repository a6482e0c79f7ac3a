"""HTML tables of measurements: items at one scale, an item, the best vector of each set, kept measurements."""

from __future__ import annotations

from collections.abc import Sequence

from playground.analyses.analysis import Cell, Fact
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.measurements import MeasurementEntry
from playground.analyses.common.result import SCALE_NAMES, Measurement
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.common.table import RANDOM, SetTable, set_table, value_of
from playground.analyses.registry import analyses
from playground.errors import InputError
from playground.methods.base.registry import called
from playground.ui.kit.markup import (
    SCROLL,
    changed_words,
    empty,
    escape,
    escape_sentence,
    notice,
    numbers_link,
    run_line,
)
from playground.ui.kit.running import seconds
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import leaderboard
from playground.ui.measure.state import Look, MeasureState
from playground.ui.measure.view import place_of, row_at, x_of

SHOWN = 200
"""Items listed: more are in the file."""
SAMPLES = 12
"""Replies to one item that are shown."""


def items(result: ScalesResult, look: Look, labels: Labels = UNLABELLED) -> str:
    """The items of one vector at one scale, each a row that opens it."""
    row = row_at(result, look)
    if row is None:
        return empty("The items of this vector come here when it is measured.")
    lines = []
    for place, item in enumerate(result.questions[:SHOWN]):
        number, question = item
        current = ' aria-current="true"' if number == look.item else ""
        cells = "".join(map(_cell, result.item_cells(row, place)))
        lines.append(
            f'<tr data-act="point" data-point="{escape(look.name)}|{look.place}|{number}" tabindex="0"{current}>'
            f'<th scope="row">{number}</th><td class="sp-question">{escape(question)}</td>{cells}</tr>'
        )
    head = "".join(f'<th scope="col">{title}</th>' for title in ("item", *result.analysis.item_titles))
    scale = x_of(row, result)
    caption = f"{labels.called(row.name)} at {scale:g}{result.analysis.item_caption}"
    return (
        f'<p class="sp-caption">{escape_sentence(caption)}</p><div class="sp-scroll sp-itemscroll" tabindex="0">'
        f'<table class="sp-table" aria-label="Items"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    side = {0: "", 1: ' class="sp-sign sp-plus"', -1: ' class="sp-sign sp-minus"'}[cell.sign]
    return f"<td{side}>{escape(cell.text)}</td>"


def _fact(fact: Fact) -> str:
    text = escape(fact.text)
    if fact.change is not None:
        before, here = map(escape, fact.change)
        text = f"baseline {before} → here <b>{here}</b>{escape(fact.unit)}"
    return f"<dt>{escape(fact.term)}</dt><dd>{text}</dd>"


def item_card(
    result: ScalesResult, look: Look, baseline: str | None, steered: str | None, labels: Labels = UNLABELLED
) -> str:
    """One item: question, answers, numbers at baseline and here, and the two texts (None: not generated yet)."""
    row, place = row_at(result, look), place_of(result, look.item)
    if row is None or place is None:
        return empty("This item was not measured here; click another point.")
    number, question = result.questions[place]
    scale = x_of(row, result)
    head = (
        f'<div class="sp-cardhead"><h2>Item {number}</h2><small>{escape(labels.called(row.name))} at {scale:g}</small>'
        f'<button type="button" class="sp-small" data-act="steer">open in Steer</button></div>'
    )
    facts = f'<p class="sp-text sp-question">{escape(question)}</p>'
    facts += f'<dl class="sp-facts">{"".join(map(_fact, result.item_facts(row, place)))}</dl>'
    texts = result.item_texts(row, place)
    pairs = ((baseline, steered),) if texts is None else texts[:SAMPLES]
    return f'<div class="sp-item">{head}{facts}{"".join(_texts(*pair) for pair in pairs)}</div>'


def _texts(baseline: str | None, steered: str | None) -> str:
    if baseline is None or steered is None:
        return empty("Generating…")
    lines = (("baseline", " sp-baseline-line", escape(baseline)), ("here", "", changed_words(baseline, steered)))
    return "".join(
        f'<div class="sp-lookline{kind}"><b class="sp-sign">{name}</b><span class="sp-text">{text}</span></div>'
        for name, kind, text in lines
    )


def scales_csv(result: ScalesResult, name: str, labels: Labels = UNLABELLED) -> str:
    """A link to all numbers: a line for every direction and scale."""
    header = ["vector", "kind", "layer", "scale", "relative scale", *result.wide(result.baseline), "label"]
    lines = []
    for row in result.every_row:
        numbers = [row.scale, row.relative, *result.wide(row).values()]
        place = [row.name, row.kind, "" if row.layer is None else row.layer]
        lines.append([*place, *(f"{x:.6g}" for x in numbers), labels.of(row.name)])
    return numbers_link(name, header, lines)


def beneath(visitor: Visitor, key: str = "swing", labels: Labels = UNLABELLED) -> str:
    """The tables below the items, as HTML: the best vector of each set, and the leaderboard sorted by a column."""
    state = MeasureState.of(visitor)
    result = state.result
    if not isinstance(result, ScalesResult):
        return ""
    earlier = state.beside(result)
    board = leaderboard.table(state.board, key, labels) if state.board else ""
    try:
        return sets(set_table([result] if earlier is None else [result, earlier]), labels) + board
    except InputError as error:
        return notice(str(error), "info") + board


def sets(table: SetTable, labels: Labels = UNLABELLED) -> str:
    """Vector set × scale, the best vector of each set, and out of how many it is the best."""
    quantity = table.analysis.judged_by
    written = quantity.written
    unit = SCALE_NAMES[table.unit]
    titles = [f"{scale:+g}" if scale else "0" for scale in table.scales]
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    lines = ""
    for line in table.lines:
        kind = ' class="sp-random"' if line.method == RANDOM else ""
        method = called(line.method)
        top = max((value for value in line.values if value is not None), default=None)
        texts = ["" if value is None else format(value, written) for value in line.values]
        pairs = zip(texts, line.values, strict=True)
        cells = "".join(f"<td>{f'<b>{text}</b>' if text and value == top else text}</td>" for text, value in pairs)
        lines += (
            f'<tr{kind}><th scope="row">{escape(line.set) or "–"}</th><td>{escape(method)}</td>'
            f"<td>{escape(labels.called(line.name))}</td>"
            f"<td>best of {line.tried}</td>{cells}</tr>"
        )
    note = (
        f"{quantity.caption} by {unit}; baseline {value_of(table.baseline):{written}}, {table.items} "
        "items. The best of a set is the vector whose values span most on these very items, "
        f"{table.tried} tried in all; the random line, picked in the same way, "
    )
    more = "tick leaderboard under More for as many" if table.analysis.leaderboard else "ask for more"
    few = leaderboard.few_draws(table.drawn, table.tried, more)
    note += f"is the best of fewer and says too little of luck.{few}" if few else "says how much of that is luck."
    header = ["set", "method", "vector", "tried", *(f"{scale:g}" for scale in table.scales), "label"]
    rows = [
        [
            line.set,
            line.method,
            line.name,
            line.tried,
            *("" if value is None else f"{value:.6g}" for value in line.values),
            labels.of(line.name),
        ]
        for line in table.lines
    ]
    return (
        '<div class="sp-card column sp-standings"><div class="sp-cardhead"><h2>Best of each set</h2></div>'
        f'{SCROLL}<table class="sp-table" aria-label="Sets by scale"><thead><tr><th>set</th>'
        f"<th>method</th><th>vector</th><th>out of</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
        f'<div class="sp-under-plot"><span>{escape_sentence(note)}</span>'
        f"{numbers_link('sets', header, rows)}</div></div>"
    )


def kept(entries: Sequence[MeasurementEntry]) -> str:
    """The table of kept measurements, with the buttons of each; broken files with their problem."""
    lines = ""
    for entry in entries:
        name = escape(entry.name)
        remove = f'<button type="button" class="sp-small" data-act="delete" data-name="{name}">delete</button>'
        if entry.problem is not None:
            lines += (
                f'<tr class="sp-broken"><th scope="row">{name}</th><td colspan="5">{escape(entry.problem)}</td>'
                f"<td>{remove}</td></tr>"
            )
            continue
        lines += (
            f'<tr><th scope="row">{name}</th><td>{analyses()[entry.kind].label}</td><td>{escape(entry.asked)}</td>'
            f"<td>{entry.items}</td><td>{entry.vectors}</td><td>{escape(entry.created[:16].replace('T', ' '))}</td>"
            f'<td><button type="button" class="sp-small" data-act="open" data-name="{name}">open</button> {remove}</td>'
            "</tr>"
        )
    titles = ("name", "measured", "items of", "items", "vectors", "created", "")
    head = "".join(f'<th scope="col">{text}</th>' for text in titles)
    return (
        f'{SCROLL}<table class="sp-table" aria-label="Kept measurements"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def ended(result: Measurement) -> str:
    """The amount of a measurement, its time, and its warnings, as HTML."""
    stopped = "stopped: what there was is kept · " if result.cancelled else ""
    line = f"{stopped}{result.amount} · {seconds(result.seconds)}"
    return run_line(line) + "".join(notice(warning, "warning") for warning in result.warnings)
