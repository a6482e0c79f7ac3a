"""Cancelling between two blocks of a pass, forward and backward, where passes over many prompts take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

from playground.errors import Cancelled


class _Asked:
    """A question `cancelled` whose yes interrupts passes until it was heard once."""

    def __init__(self, cancelled: Callable[[], bool]):
        self._cancelled = cancelled
        self._heard = False

    def __call__(self) -> bool:
        self._heard = self._heard or self._cancelled()
        return self._heard

    def interrupt(self) -> None:
        """Raises Cancelled the first time that the answer is yes."""
        if not self._heard and self():
            raise Cancelled


_ASKED: ContextVar[_Asked | None] = ContextVar("cancelled", default=None)


@contextmanager
def interruptible(cancelled: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Inside the block, passes through a cut raise Cancelled soon after `cancelled` says so. It yields what a solver is
    to ask: once that, or a pass, was answered with yes, what the solver computes to finish goes through.
    """
    asked = _Asked(cancelled)
    token = _ASKED.set(asked)
    try:
        yield asked
    finally:
        _ASKED.reset(token)


def interruption_point(states: Tensor) -> None:
    """Raises Cancelled when the passes are cancelled; so does every later gradient that comes by `states` (any shape),
    gradients of gradients included.
    """
    asked = _ASKED.get()
    if asked is None:
        return
    asked.interrupt()
    if states.requires_grad:
        _watch(states, asked)


def _watch(states: Tensor, asked: _Asked) -> None:
    # The question is bound here: on a GPU gradients run in a thread of their own, which has no context variables.
    def ask(gradient: Tensor) -> None:
        asked.interrupt()
        if gradient.requires_grad:  # the graph of a product with the Jacobian is being built
            _watch(gradient, asked)

    states.register_hook(ask)
