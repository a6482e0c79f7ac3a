"""The Gradio page; the only package that imports gradio and plotly.

Importing Gradio writes a stub file (.pyi) for editors beside the module of every component, a quarter of the time until
the page is up. There is no option against it (gradio/component_meta.py, as of 6.31), and the function that writes them
cannot be replaced before it runs, since it runs while gradio is imported for the first time. It skips classes for which
`inspect.getfile` raises OSError, so that is what gradio's own classes get during that import, and only then.
tests/ui/test_gradio_import.py fails when this has no effect or is not needed any more.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Keep Gradio from writing stub files while it is imported inside the block."""
    original = inspect.getfile

    def getfile(object: Any) -> str:
        if isinstance(object, type) and object.__module__.partition(".")[0] == "gradio":
            raise OSError
        return original(object)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = original


# At every error Gradio sums up its last 10,000 events with pandas, which keeps the server busy when there are many.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
with _without_stubs():
    import gradio  # noqa: F401
