"""Shortcuts through a model: refusals, agreement with the model itself, and a log of the families that go without.

A shortcut calls a family's own blocks with masks, caches and batches that it may not know. Only a trial tells whether
it computes what the model does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from playground.core.out_of_memory import is_out_of_memory
from playground.once import log_once

_LOG = logging.getLogger(__name__)

_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}  # of the largest entry; a mask gone wrong is off by far more
_TOLERANCE_HALF = 5e-2


class Refused(Exception):
    """A model cannot be run in some way: its family raises an error of its own, or computes something else."""

    def __init__(self, model: nn.Module, reason: str) -> None:
        super().__init__(f"{type(model).__name__}: {reason}")
        self.reason = reason


@contextmanager
def refusals(model: nn.Module) -> Iterator[None]:
    """What the model's own code raises inside, whatever it is, becomes Refused; memory that runs out stays as it is."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise Refused(model, f"{type(error).__name__}: {error}".splitlines()[0]) from error


def check_agreement(model: nn.Module, found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    """Raises Refused unless what was `found` in another way is, up to rounding of a model in `dtype`, `expected`."""
    expected = expected.to(torch.promote_types(expected.dtype, torch.float32))
    off, largest = (found.to(expected) - expected).abs().max(), expected.abs().max()
    if not bool(off <= _TOLERANCE.get(dtype, _TOLERANCE_HALF) * largest):
        raise Refused(model, f"off by {float(off / largest):.0e} of the largest number")


def go_without(shortcut: str, refused: Refused) -> None:
    """Log, once for each, that a family runs without `shortcut`, and why."""
    log_once(_LOG, logging.INFO, "runs without %s (%s)", shortcut, str(refused))
