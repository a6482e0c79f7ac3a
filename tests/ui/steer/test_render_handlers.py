"""Handlers of a `gr.render` pass stay for one more, by means of the private parts of Gradio that this relies on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import gradio as gr
from gradio.state_holder import SessionState

from playground.ui.steer.render_handlers import keep_previous


def handlers_after_passes(rows: list[int], before_rows: Callable[[], None]) -> list[set[int]]:
    """Numbers of the rows that have a handler after each pass of `gr.render`; each pass renders as many new rows as
    `rows` says, and rows are numbered through all passes.
    """
    numbers = iter(range(sum(rows)))
    with gr.Blocks() as page:
        count = gr.Number(0)

        @gr.render(inputs=[count], triggers=[count.change])
        def draw(wanted: int) -> None:
            before_rows()
            for _ in range(wanted):
                number = next(numbers)
                gr.Button().click(lambda number=number: number)

    state = SessionState(page)
    render = next(function for function in page.fns.values() if function.renderable)
    found = []
    for wanted in rows:
        asyncio.run(page.process_api(render, [wanted], state=state))
        rendered = [one for one in state.blocks_config.fns.values() if one.rendered_in is render.renderable]
        found.append({one.fn() for one in rendered})
    return found


def test_a_handler_is_kept_for_one_pass_more_and_then_deleted() -> None:
    ids: set[int] = set()

    def keep() -> None:
        nonlocal ids
        ids = keep_previous(ids)

    assert handlers_after_passes([2, 1, 0, 0, 1], keep) == [{0, 1}, {0, 1, 2}, {2}, set(), {3}]


def test_gradio_by_itself_deletes_the_handlers_of_the_pass_before() -> None:
    # Where this fails, Gradio keeps them itself, and render_handlers.py is not needed any more.
    assert handlers_after_passes([2, 1], lambda: None) == [{0, 1}, {2}]
