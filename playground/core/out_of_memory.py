"""Errors of memory that ran out, on any device."""

from __future__ import annotations

import torch

_SAID = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc")
"""Parts of messages of RuntimeError: PyTorch has a class of its own for CUDA only, not for the CPU, MPS and C++."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether it is one of PyTorch on any device, or Python's own."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _SAID)
