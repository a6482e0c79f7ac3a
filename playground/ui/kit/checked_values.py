"""Type checks of values from the browser, before any handler gets them; and answers without what stays as it is.

Anyone may send anything to an event. Gradio checks what events preprocess, and its components fail on other types with
an exception in the log; handlers that read values as they come would fail on them one by one. Here every value of every
event is checked to be of the type that its component sends. What it says is checked by the requests.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components.api_component import Api

from playground.errors import InputError
from playground.library.text import shown, span
from playground.limits import check_count, limits
from playground.ui.kit.event_order import NUMBERED_JS
from playground.ui.kit.markup import escape


class CheckedBlocks(gr.Blocks):
    """Blocks that refuse values of a wrong type in one sentence, before preprocessing and handler, and look at nothing
    that an event leaves alone.
    """

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        parts = [
            # As the visitor's session has changed it: the ends of sliders follow the model.
            part if state is None or part.stateful or part._id not in state else state[part._id]
            for part in block_fn.inputs
        ]
        if parts and all(isinstance(part, Api) for part in parts):  # a named endpoint: who asks may leave the rest out
            inputs = [*inputs, *(part.value for part in parts[len(inputs) :])]
        try:
            inputs = checked(parts, inputs, bounds=block_fn.preprocess, numbered=block_fn.js == NUMBERED_JS)
        except InputError as error:
            raise gr.Error(escape(str(error)), title="Not done", print_exception=False) from None
        done: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
        return done

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """As Gradio's, but without what it does for outputs that an event leaves alone: it builds a new component for
        each, a third of a millisecond, and a run here has a hundred outputs and changes three, several times a second.
        """
        keys = predictions.keys() if isinstance(predictions, dict) else ()
        numbers = {key._id for key in keys if isinstance(key, Block)}
        changed = [part for part in block_fn.outputs if part._id in numbers]
        if not changed or len(changed) != len(keys) or len(changed) == len(block_fn.outputs):
            plain: list[Any] = await super().postprocess_data(block_fn, predictions, state)
            return plain
        fewer = copy.copy(block_fn)
        fewer.outputs = changed
        done = iter(await super().postprocess_data(fewer, predictions, state))
        return [next(done) if part._id in numbers else gr.skip() for part in block_fn.outputs]


def checked(components: Sequence[Any], values: Sequence[Any], bounds: bool, numbered: bool = False) -> list[Any]:
    """The values of an event, one a component, where "" stands for no text. With `bounds` numbers must lie in the range
    of their control; with `numbered` the first value comes with a sequence number. Raises InputError.
    """
    if not isinstance(values, list) or len(values) != len(components):
        raise InputError(f"Expected {len(components)} values, got others; reload the page.")
    plain = list(values)
    if numbered:
        pair = plain[0]
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], int):
            raise InputError(f"Expected a value with its number, got {shown(pair)}; reload the page.")
        plain[0] = pair[0]
    for component, value in zip(components, plain, strict=True):
        check_value(component, value, bounds)
    if numbered:
        plain[0] = values[0]
    pairs = zip(components, plain, strict=True)
    return ["" if value is None and isinstance(part, gr.Textbox) else value for part, value in pairs]


def check_value(component: Any, value: Any, bounds: bool = False) -> None:
    """Raises InputError for a value that the component of the page does not send; None is an empty field."""
    if component.stateful or (value is None and not isinstance(component, gr.Slider)):
        return
    what = f"“{component.label}”"
    if isinstance(component, gr.Textbox):
        _check(isinstance(value, str), "text", what, value)
        check_count(f"characters in {what}", len(value), limits().all_characters, "shorten it")
    elif isinstance(component, gr.Checkbox):
        _check(isinstance(value, bool), "true or false", what, value)
    elif isinstance(component, gr.Radio | gr.Dropdown):
        several = isinstance(component, gr.Dropdown) and component.multiselect
        one_by_one = value if several and isinstance(value, list) else [value]
        _check(all(isinstance(each, str) for each in one_by_one), "one of its choices", what, value)
    elif isinstance(component, gr.Number | gr.Slider):
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
        _check(number, "a finite number", what, value)
        least, most = (_bound(end, sign) for end, sign in ((component.minimum, -1), (component.maximum, 1)))
        if bounds and not least <= value <= most:
            raise InputError(f"Expected {what} {span(least, most)}, got {value:.12g}; change it.")


_LARGEST = 1e300
"""Whole numbers beyond a float's range have no place in any field."""


def _bound(end: float | None, sign: int) -> float:
    return sign * math.inf if end is None else end


def _check(right: bool, expected: str, what: str, value: Any) -> None:
    if not right:
        huge = isinstance(value, int) and abs(value) > _LARGEST
        got = "a number too large" if huge else shown(value)
        raise InputError(f"Expected {expected} for {what}, got {got}; change it.")
