"""Cancelling between two blocks of a pass, forward and backward, where passes over many prompts take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

from playground.errors import Cancelled

_ASKED: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)


@contextmanager
def interruptible(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Inside the block, passes through a cut raise Cancelled soon after `cancelled` says so."""
    token = _ASKED.set(cancelled)
    try:
        yield
    finally:
        _ASKED.reset(token)


def interruption_point(states: Tensor) -> None:
    """Raises Cancelled when the passes are cancelled; so does every later gradient that comes by `states` (any shape),
    gradients of gradients included.
    """
    cancelled = _ASKED.get()
    if cancelled is None:
        return
    if cancelled():
        raise Cancelled
    if states.requires_grad:
        _watch(states, cancelled)


def _watch(states: Tensor, cancelled: Callable[[], bool]) -> None:
    # The function is bound here: on a GPU gradients run in a thread of their own, which has no context variables.
    def ask(gradient: Tensor) -> None:
        if cancelled():
            raise Cancelled
        if gradient.requires_grad:  # the graph of a product with the Jacobian is being built
            _watch(gradient, cancelled)

    states.register_hook(ask)
