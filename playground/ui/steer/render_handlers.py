"""Event handlers of the previous `gr.render` pass, kept for one pass more. Uses private parts of Gradio.

A pass of `gr.render` deletes the handlers of the pass before, while the browser may still have events for them under
way, and Gradio answers an event without a handler with an error that ends the page. It has no public way to keep a
handler: one with a `key` keeps its number from pass to pass, but only as long as it is rendered again, which that of a
removed row is not. Gradio deletes a handler whose `render_iteration` is not that of the pass
(gradio/renderable.py), so setting that number keeps it. tests/ui/steer/test_render_handlers.py holds Gradio to this.
"""

from __future__ import annotations

from collections.abc import Set

from gradio.context import LocalContext


def keep_previous(before_last: Set[int]) -> set[int]:
    """Keep the handlers of the previous pass; call it in the function of `gr.render`, before components are built.

    `before_last` is what the call in the previous pass returned (at first nothing): ids of handlers that are older than
    that pass and are not kept again. Returns the ids of all handlers from before this pass.
    """
    renderable, config = LocalContext.renderable.get(), LocalContext.blocks_config.get()
    assert renderable is not None, "keep_previous is called outside gr.render"
    assert config is not None
    previous = {number for number, function in config.fns.items() if function.rendered_in is renderable}
    for number in previous - before_last:
        config.fns[number].render_iteration = renderable.render_iteration
    return previous
