"""Panics of the tokenizers library as a sentence: on some damaged files its Rust code fails with a BaseException."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playground.errors import ModelError

_PANIC = ("pyo3_runtime", "PanicException")
"""Module and name of its class, which cannot be imported."""


@contextmanager
def tokenizer_panics(name: str) -> Iterator[None]:
    """A panic inside, of the tokenizer of the model `name`, becomes a ModelError: whoever catches errors catches it."""
    try:
        yield
    except BaseException as error:
        if (type(error).__module__, type(error).__name__) != _PANIC:
            raise
        raise ModelError(
            f"Expected a tokenizer of {name} that can be used, but it breaks down on text; choose a folder with the "
            "tokenizer's own files."
        ) from error
