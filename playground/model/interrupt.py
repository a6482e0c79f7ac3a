"""Cancelling between two blocks of a pass, forward and backward, where a pass takes seconds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from torch import Tensor, nn

from playground.errors import Cancelled
from playground.model.steering import before_blocks

P = ParamSpec("P")
R = TypeVar("R")


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

    def at(self, states: Tensor) -> None:
        """`interrupt` now, and in every later gradient that comes by `states` (any shape), gradients of gradients
        included.
        """
        self.interrupt()
        if states.requires_grad:
            states.register_hook(self._with_gradient)

    def _with_gradient(self, gradient: Tensor) -> None:
        # On a GPU gradients run in a thread of their own: what is asked must not depend on the thread.
        self.at(gradient)  # which requires a gradient where the graph of a product with the Jacobian is being built


@contextmanager
def interruptible(model: nn.Module, cancelled: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Inside the block, passes through blocks of `model` raise Cancelled soon after `cancelled` says so, and so do
    gradients through them. It yields what the work is to ask instead of `cancelled`: once that, or a pass, was answered
    with yes, what is computed to finish goes through.

    Where blocks are nested, each asks for itself.
    """
    asked = _Asked(cancelled)
    with before_blocks(model, asked.at):
        yield asked


def interrupts_passes(work: Callable[P, R]) -> Callable[P, R]:
    """Makes work with the parameters `loaded` (a LoadedModel) and `cancelled` `interruptible` as a whole: it may raise
    Cancelled wherever a pass runs, and the `cancelled` that it asks is the one that lets it finish.
    """
    signature = inspect.signature(work)

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        with interruptible(given.arguments["loaded"].model, given.arguments["cancelled"]) as asked:
            given.arguments["cancelled"] = asked
            return work(*given.args, **given.kwargs)

    return run
