"""Measurements as tables: the items at one scale, the best vector of each method over scales, what is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.measurements import MeasurementEntry
from playground.analyses.common.result import SCALE_NAMES
from playground.analyses.common.table import RANDOM, SetTable, set_table, value_of
from playground.analyses.exact.run import ExactResult, ExactRow
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesResult, RepliesRow
from playground.errors import InputError
from playground.ui import measure_board
from playground.ui.markup import changed_words, empty, escape, notice, numbers_link, run_line
from playground.ui.measure_view import NAMED, Look, Result, items_of, mean_of, place_of, row_at, x_of
from playground.ui.running import seconds
from playground.ui.state import Visitor
from playground.ui.tables import METHOD_NAMES

SHOWN = 200
"""Items listed: more are in the file."""
SAMPLES = 12
"""Replies to one item that are shown."""


def items(result: Result, look: Look, labels: Labels = UNLABELLED) -> str:
    """The items of one vector at one scale, each a row that opens it."""
    row = row_at(result, look)
    if row is None:
        return empty("The items of this vector come here when it is measured.")
    lines = []
    for place, item in enumerate(items_of(result)[:SHOWN]):
        number, question = item
        current = ' aria-current="true"' if number == look.item else ""
        cells = _cells(result, row, place)
        lines.append(
            f'<tr data-act="point" data-point="{escape(look.name)}|{look.place}|{number}" tabindex="0"{current}>'
            f'<th scope="row">{number}</th><td class="sp-question">{escape(question)}</td>{cells}</tr>'
        )
    exact = isinstance(result, ExactResult)
    titles = ("item", "question", "answer", "baseline", "here") if exact else ("item", "question", "baseline", "here")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    scale = x_of(row, result)
    caption = f"{labels.called(row.name)} at {scale:g}"
    caption += ": log-odds of the behaviour, in nats" if isinstance(result, MeasureResult) else ""
    return (
        f'<p class="sp-caption">{escape(caption)}</p><div class="sp-scroll sp-itemscroll"><table class="sp-table" '
        f'aria-label="Items"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _cells(result: Result, row: object, place: int) -> str:
    if isinstance(result, MeasureResult):
        before, here = result.baseline.differences[place], row.differences[place]
        side = "sp-plus" if here > 0 else "sp-minus"
        return f'<td>{before:+.2f}</td><td class="sp-sign {side}">{here:+.2f}</td>'
    if isinstance(result, RepliesResult):
        return "".join(f"<td>{escape(_groups(result, each, place))}</td>" for each in (result.baseline, row))
    marks = "".join(f"<td>{'✓' if each.right[place] else '✗'}</td>" for each in (result.baseline, row))
    return f"<td>{escape(result.request.items[place].answer)}</td>{marks}"


def _groups(result: RepliesResult, row: RepliesRow, place: int) -> str:
    """The groups of the replies to the item at that place, with their numbers where there are several replies."""
    samples = result.request.samples
    counts = Counter(name for own in row.groups[place * samples : (place + 1) * samples] for name in own)
    names = [name for name in result.request.groups if counts[name]]
    return ", ".join(name if samples == 1 else f"{name} {counts[name]}" for name in names)


def item_card(
    result: Result, look: Look, baseline: str | None, steered: str | None, labels: Labels = UNLABELLED
) -> str:
    """One item: question, answers, numbers at baseline and here, and the two texts (None: not generated yet)."""
    row, place = row_at(result, look), place_of(result, look.item if look.item is not None else -1)
    if row is None or place is None:
        return empty("This item was not measured here; click another point.")
    number, question = items_of(result)[place]
    scale = x_of(row, result)
    head = (
        f'<div class="sp-cardhead"><h3>Item {number}</h3><small>{escape(labels.called(row.name))} at {scale:g}</small>'
        f'<button type="button" class="sp-small" data-act="steer">open in Steer</button></div>'
    )
    facts = f'<p class="sp-text sp-question">{escape(question)}</p>'
    if isinstance(result, MeasureResult):
        item = result.items[place]
        before, here = result.baseline.differences[place], row.differences[place]
        facts += (
            f'<dl class="sp-facts"><dt>behaviour</dt><dd>{escape(item.matching.strip())}</dd><dt>other</dt>'
            f"<dd>{escape(item.other.strip())}</dd><dt>compared by</dt><dd>{escape(item.by)}</dd>"
            f"<dt>logit difference</dt><dd>baseline {before:+.2f} → here <b>{here:+.2f}</b> nats</dd>"
            f"<dt>KL(steered ‖ baseline)</dt><dd>{row.divergences[place]:.2f} nats</dd></dl>"
        )
    elif isinstance(row, ExactRow):
        said = [f"{'right' if each.right[place] else 'wrong'}" for each in (result.baseline, row)]
        facts += (
            f'<dl class="sp-facts"><dt>answer</dt><dd>{escape(result.request.items[place].answer)}</dd>'
            f"<dt>last number</dt><dd>baseline {said[0]} → here <b>{said[1]}</b></dd></dl>"
        )
        baseline, steered = result.baseline.texts[place], row.texts[place]
    elif isinstance(result, RepliesResult):
        said = [escape(_groups(result, each, place)) for each in (result.baseline, row)]
        facts += f'<dl class="sp-facts"><dt>replies</dt><dd>baseline {said[0]} → here <b>{said[1]}</b></dd></dl>'
        samples = result.request.samples
        own = slice(place * samples, (place + 1) * samples)
        pairs = list(zip(result.baseline.texts[own], row.texts[own], strict=True))[:SAMPLES]
        return f'<div class="sp-item">{head}{facts}{"".join(_texts(*pair) for pair in pairs)}</div>'
    return f'<div class="sp-item">{head}{facts}{_texts(baseline, steered)}</div>'


def _texts(baseline: str | None, steered: str | None) -> str:
    if baseline is None or steered is None:
        return empty("Generating…")
    lines = (("baseline", " sp-baseline-line", escape(baseline)), ("here", "", changed_words(baseline, steered)))
    return "".join(
        f'<div class="sp-lookline{kind}"><b class="sp-sign">{name}</b><span class="sp-text">{text}</span></div>'
        for name, kind, text in lines
    )


def scales_csv(result: Result, name: str, labels: Labels = UNLABELLED) -> str:
    """A link to all numbers: a line for every direction and scale."""
    if isinstance(result, RepliesResult):
        return _replies_csv(result, name, labels)
    measured = isinstance(result, MeasureResult)
    header = ["vector", "kind", "layer", "scale", "relative scale", "mean" if measured else "accuracy", "low", "high"]
    header += [*(["share", "kl"] if measured else ["without a number"]), "label"]
    lines = []
    for row in (result.baseline, *result.rows):
        last = [row.share, row.kl] if measured else [row.silent]
        numbers = [row.scale, row.relative, *mean_of(row), *last]
        place = [row.name, row.kind, "" if row.layer is None else row.layer]
        lines.append([*place, *(f"{x:.6g}" for x in numbers), labels.of(row.name)])
    return numbers_link(name, header, lines)


def _replies_csv(result: RepliesResult, name: str, labels: Labels) -> str:
    header = ["vector", "kind", "layer", "scale", "relative scale"]
    header += [f"{group} {column}" for group in result.request.groups for column in ("share", "low", "high")]
    lines = []
    for row in (result.baseline, *result.rows):
        numbers = [row.scale, row.relative]
        numbers += [value for share in row.shares for value in (share.share, share.low, share.high)]
        place = [row.name, row.kind, "" if row.layer is None else row.layer]
        lines.append([*place, *(f"{x:.6g}" for x in numbers), labels.of(row.name)])
    return numbers_link(name, [*header, "label"], lines)


def beneath(visitor: Visitor, key: str = "swing", labels: Labels = UNLABELLED) -> str:
    """What stands beneath the items: the table of sets, and the leaderboard sorted by one of its columns."""
    result, earlier = visitor.measured, visitor.measured_before
    if not isinstance(result, Result):
        return ""
    board = measure_board.table(visitor.measure_board, key, labels) if visitor.measure_board else ""
    try:
        return sets(set_table([result] if earlier is None else [result, earlier]), labels) + board
    except InputError as error:
        return notice(str(error), "info") + board


_QUANTITY = {
    MeasuredRow: "Mean logit difference in nats",
    ExactRow: "Part of right answers",
    RepliesRow: "Share of replies in the first group",
}


def sets(table: SetTable, labels: Labels = UNLABELLED) -> str:
    """Vector set × scale, the best vector of each set, and out of how many it is the best."""
    written = "+.2f" if isinstance(table.baseline, MeasuredRow) else ".0%"
    unit = SCALE_NAMES[table.unit]
    titles = [f"{scale:+g}" if scale else "0" for scale in table.scales]
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    lines = ""
    for line in table.lines:
        kind = ' class="sp-random"' if line.method == RANDOM else ""
        called = METHOD_NAMES.get(line.method, line.method)
        top = max((value for value in line.values if value is not None), default=None)
        texts = ["" if value is None else format(value, written) for value in line.values]
        pairs = zip(texts, line.values, strict=True)
        cells = "".join(f"<td>{f'<b>{text}</b>' if text and value == top else text}</td>" for text, value in pairs)
        lines += (
            f'<tr{kind}><th scope="row">{escape(line.set)}</th><td>{escape(called)}</td>'
            f"<td>{escape(labels.called(line.name))}</td>"
            f"<td>best of {line.tried}</td>{cells}</tr>"
        )
    said = (
        f"{_QUANTITY[type(table.baseline)]} by {unit}; baseline {value_of(table.baseline):{written}}, {table.items} "
        "items. The best of a set is the vector whose values span most on these very items, "
        f"{table.tried} tried in all; the random line, picked in the same way, "
    )
    more = "tick leaderboard under More for as many" if isinstance(table.baseline, MeasuredRow) else "ask for more"
    few = measure_board.few_draws(table.drawn, table.tried, more)
    said += f"is the best of fewer and says too little of luck.{few}" if few else "says how much of that is luck."
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
        '<div class="sp-card column sp-standings"><div class="sp-cardhead"><h3>Best of each set</h3></div>'
        f'<div class="sp-scroll"><table class="sp-table" aria-label="Sets by scale"><thead><tr><th>set</th>'
        f"<th>method</th><th>vector</th><th>out of</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
        f'<div class="sp-under-plot"><span>{escape(said)}</span>{numbers_link("sets", header, rows)}</div></div>'
    )


def kept(entries: Sequence[MeasurementEntry]) -> str:
    """What is kept, each with its buttons; broken files with what is wrong."""
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
            f'<tr><th scope="row">{name}</th><td>{NAMED[entry.kind]}</td><td>{escape(entry.asked)}</td>'
            f"<td>{entry.items}</td><td>{entry.vectors}</td><td>{escape(entry.created[:16].replace('T', ' '))}</td>"
            f'<td><button type="button" class="sp-small" data-act="open" data-name="{name}">open</button> {remove}</td>'
            "</tr>"
        )
    titles = ("name", "measured", "items of", "items", "vectors", "created", "")
    head = "".join(f'<th scope="col">{text}</th>' for text in titles)
    return (
        f'<div class="sp-scroll"><table class="sp-table" aria-label="Kept measurements"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def ended(result: Result | Shifts) -> str:
    """How much was measured, how long it took, and what is to be warned of."""
    if isinstance(result, Shifts):
        said = f"{result.done} of {len(result.request.texts)} prompts"
    else:
        steered = sum(row.kind == "vector" for row in result.rows)
        random = sum(row.kind == "random" for row in result.rows)
        said = f"{steered} rows of vectors, {random} of random directions"
    said = f"{'stopped: what there was is kept · ' if result.cancelled else ''}{said} · {seconds(result.seconds)}"
    return run_line(said) + "".join(notice(warning, "warning") for warning in result.warnings)
