"""Steering Playground: find, apply and judge steering vectors of causal language models.

    import playground as sp

The names of playground/api.py are here. They are imported when the first of them is used, so that what needs no torch
starts without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.api import (
        Cancelled,
        Direction,
        FileError,
        InputError,
        LoadedModel,
        ModelError,
        PlaygroundError,
        PromptFormat,
        PromptSet,
        Recipe,
        Sampling,
        Steering,
        VectorSet,
        find,
        find_scales,
        generate,
        load,
        load_vectors,
        measure,
        methods,
        prompts,
        scan,
        steering,
        wrap,
    )

__version__ = "0.1.0"
__all__ = [
    "Cancelled",
    "Direction",
    "FileError",
    "InputError",
    "LoadedModel",
    "ModelError",
    "PlaygroundError",
    "PromptFormat",
    "PromptSet",
    "Recipe",
    "Sampling",
    "Steering",
    "VectorSet",
    "find",
    "find_scales",
    "generate",
    "load",
    "load_vectors",
    "measure",
    "methods",
    "prompts",
    "scan",
    "steering",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("playground.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
