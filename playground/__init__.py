"""Steering Playground: find, apply and judge steering vectors of causal language models.

    import playground as sp

The names of playground/api.py are here. They are imported when the first of them is used, so that what needs no torch
starts without it.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.api import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # `from playground import core` asks for an attribute before it looks for the module.
    if name == "__all__" or not (name.startswith("__") or importlib.util.find_spec(f"playground.{name}")):
        api = importlib.import_module("playground.api")
        if name == "__all__":
            return api.__all__
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *importlib.import_module("playground.api").__all__})
