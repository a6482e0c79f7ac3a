"""Transfer panel of the Measure tab: the vectors of the form on several choice sets, one push a vector, as a matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape as plain
from typing import Any

import gradio as gr

from playground.analyses.choices.transfer import FLAGS, TransferCell, TransferColumn
from playground.analyses.common.request import MeasuredVector
from playground.library import prompts as prompt_sets
from playground.limits import at_most, limits
from playground.services.command import transfer_command
from playground.services.durations import to_go
from playground.services.jobs import Job
from playground.services.transfer import (
    ITEMS,
    REPLIES,
    ReplyCell,
    TransferProgress,
    TransferRequest,
    TransferResult,
    TransferSet,
    transfer,
)
from playground.ui.kit.digits import digits
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.markup import SCROLL, command, empty, escape, notice, numbers_link, run_line
from playground.ui.kit.running import EVENT, UNCHECKED, follow, long, waiting_line
from playground.ui.measure.form import MeasureForm, scale_numbers
from playground.ui.widgets import prompt_source

WAIT = (
    "Does an effect on one set hold on another? Each vector’s push is chosen on one choice set, its home, and applied "
    "to all. Vectors, scales and random controls are those of the form."
)
REDRAW = 0.3


@dataclass(frozen=True)
class TransferPanel:
    """The components."""

    choices: gr.Dropdown
    against: gr.Dropdown
    items: gr.Number
    replies: gr.Number
    run: gr.Button
    note: gr.HTML
    matrix: gr.HTML


def build(frame: Frame) -> TransferPanel:
    names = set_names(frame)
    own = limits()
    with gr.Accordion("Transfer: does it hold on other choice sets?", open=False, elem_id="measure-transfer"):
        with gr.Row(elem_classes="sp-tight"):
            choices = gr.Dropdown(
                names, value=names[:2], multiselect=True, label="Choice sets", elem_id="measure-transfer-choices",
                info="whose behaviour is wanted; two and more", min_width=200, scale=2,
            )
            against = gr.Dropdown(
                names, value=[], multiselect=True, label="Against", elem_id="measure-transfer-against",
                info="whose behaviour is not wanted", min_width=200, scale=2,
            )
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            items = gr.Number(
                ITEMS, label="Items", precision=0, minimum=1, maximum=own.items, elem_id="measure-transfer-items",
                info=f"of every set, {at_most(own.items)}", min_width=110,
            )
            replies = gr.Number(
                REPLIES, label="Replies", precision=0, minimum=0, maximum=own.items,
                elem_id="measure-transfer-replies", info="in text, of every set; 0: none", min_width=110,
            )
            run = gr.Button("Measure transfer", elem_id="measure-transfer-run", min_width=150, scale=0)
        note = gr.HTML("", elem_id="measure-transfer-note")
        matrix = gr.HTML(empty(WAIT), elem_id="measure-transfer-matrix")
    return TransferPanel(choices, against, items, replies, run, note, matrix)


def set_names(frame: Frame) -> list[str]:
    """Built-in choice sets, those for the loaded model first."""
    sets = prompt_sets.built_in()
    return [name for name in prompt_source.set_names(frame.workbench.loaded) if sets[name].kind == "choices"]


def model_updates(frame: Frame, panel: TransferPanel) -> dict[Any, Any]:
    """Choices for the loaded model, and no result."""
    names = set_names(frame)
    return {
        panel.choices: gr.update(choices=names, value=names[:2]),
        panel.against: gr.update(choices=names, value=[]),
        panel.note: "",
        panel.matrix: empty(WAIT),
    }


def outputs(panel: TransferPanel) -> list[Any]:
    """Everything `model_updates` may write to."""
    return [panel.choices, panel.against, panel.note, panel.matrix]


def wire(frame: Frame, panel: TransferPanel, form: list[Any]) -> None:
    """`form` are the components of MeasureForm."""
    own = [panel.choices, panel.against, panel.items, panel.replies]

    @long(lambda: panel.note, lambda: {frame.status: frame.status_now()})
    def on_run(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        choices, against, items, replies = values[: len(own)]
        asked = MeasureForm(*values[len(own) :])
        load = frame.load_set(visitor)
        wanted = _request(asked, asked.vectors(load), choices, against, items, replies)
        job: Job[TransferResult] = frame.start(
            visitor, "measuring transfer",
            lambda model, context: transfer(model, wanted, load, context.emit, context.cancelled),
        )  # fmt: skip
        for batch in follow(job, REDRAW):
            updates: dict[Any, Any] = {frame.status: frame.status_now(visitor)}
            events = [event for event in batch if isinstance(event, TransferProgress)]
            waiting = waiting_line(batch)
            if waiting is not None:
                updates[panel.note] = notice(waiting, "info")
            elif events:
                last = events[-1]
                updates[panel.note] = run_line(f"{last.doing} · {last.share:.0%}{to_go(last)}")
            yield updates
        result = job.result()
        saved = all(vector.source != NOT_SAVED for vector in wanted.vectors)
        repeat = command(transfer_command(wanted, frame.loaded)) if saved else ""
        stopped = notice("Stopped; what is shown is complete.", "info") if result.cancelled else ""
        yield {panel.note: stopped, panel.matrix: matrix(result) + repeat}

    panel.run.click(
        on_run, [*own, *form], [panel.note, panel.matrix, frame.status], trigger_mode="once", **EVENT, **UNCHECKED
    )


def _request(
    form: MeasureForm,
    vectors: tuple[MeasuredVector, ...],
    choices: list[str] | None,
    against: list[str] | None,
    items: float,
    replies: float,
) -> TransferRequest:
    sets = [TransferSet(prompt_sets.read(name), 1) for name in choices or ()]
    sets += [TransferSet(prompt_sets.read(name), -1) for name in against or ()]
    return TransferRequest(
        sets=tuple(sets), vectors=vectors, scales=scale_numbers(form.scales), unit=form.unit,
        controls=whole(form.controls, "random controls"), seed=whole(form.seed, "seed"),
        items=whole(items, "items", least=1), replies=whole(replies, "replies", least=0),
    )  # fmt: skip


def matrix(result: TransferResult) -> str:
    """The matrix as an HTML table, coloured by change: flags below it, and replies to open row by row."""
    made = result.matrix
    most = max((abs(cell.change) for row in made.rows for cell in row.cells if cell.change == cell.change), default=1.0)
    head = "<th>vector</th>" + "".join(_head(column) for column in made.columns)
    body = []
    for row, replied in zip(made.rows, result.replies, strict=True):
        cells = [
            _cell(cell, reply, place == row.home, most)
            for place, (cell, reply) in enumerate(zip(row.cells, replied, strict=True))
        ]
        where = f"{digits(row.place)} {result.request.unit}"
        body.append(f"<tr><th>{escape(row.vector)}<small>at {where}</small></th>{''.join(cells)}</tr>")
        body.append(_texts(row.vector, [column.choices for column in made.columns], replied))
    held, flagged, others = made.elsewhere
    agreeing, holding = result.agreeing
    said = [f"outside of homes {held} of {others} entries hold, {flagged} may be noise"]
    said += [f"where log-odds hold, replies agree in {agreeing} of {holding}"] if holding else []
    flags = "".join(f"<li><b>{escape(name)}</b>: {escape(what)}</li>" for name, what in FLAGS.items())
    names, lines = result.lines()
    return (
        f'{SCROLL}<table class="sp-table sp-transfer" aria-label="Transfer"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        f'<div class="sp-under-plot sp-apart"><span>{escape("; ".join(said))}.</span>'
        f"{numbers_link('transfer', names, lines)}</div>"
        f'<details class="sp-hint"><summary>How to read it</summary><ul><li>Change of the mean log-odds of the wanted '
        f"answer, in nats, with its 95 % interval; ★ the set on which the push was chosen, whose own change is the "
        "best of several. Below it the share of replies that give the wanted answer, without the push and with it.</li>"
        f"{flags}</ul></details>"
    )


def signed(value: float) -> str:
    """A number in nats with its sign: +1.20, −0.31."""
    return f"{value:+.2f}".replace("-", "−")


def _head(column: TransferColumn) -> str:
    polarity = "" if column.polarity == 1 else ", against"
    return f"<th>{escape(column.choices)}<small>{signed(column.mean)} nats, {column.share:.0%}{polarity}</small></th>"


def _cell(cell: TransferCell, reply: ReplyCell | None, home: bool, most: float) -> str:
    if cell.change != cell.change:
        return "<td>not finite</td>"
    strength = 0.32 * min(1.0, abs(cell.change) / (most or 1.0))
    colour = "var(--sp-positive)" if cell.change > 0 else "var(--sp-negative)"
    style = f"background: color-mix(in srgb, {colour} {100 * strength:.0f}%, transparent)"
    flags = "".join(f"<i>{escape(flag)}</i>" for flag in cell.flags)
    star = '<span title="its home">★</span> ' if home else ""
    replies = "" if reply is None else f"<small>replies {reply.baseline:.0%} → {reply.share:.0%}</small>"
    return (
        f'<td class="{"sp-may-be-noise" if cell.flags else ""}" style="{plain(style)}">{star}'
        f"<b>{signed(cell.change)}</b> <span>[{signed(cell.low)}, {signed(cell.high)}]</span>{replies}{flags}</td>"
    )


def _texts(vector: str, sets: list[str], replied: tuple[ReplyCell | None, ...]) -> str:
    """A row that opens to the first reply on every set; none without replies."""
    texts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(reply.text)}</dd>"
        for name, reply in zip(sets, replied, strict=True)
        if reply is not None
    )
    if not texts:
        return ""
    return (
        f'<tr class="sp-replies"><td colspan="{len(sets) + 1}"><details><summary>first replies with '
        f'{escape(vector)}</summary><dl class="sp-facts">{texts}</dl></details></td></tr>'
    )
