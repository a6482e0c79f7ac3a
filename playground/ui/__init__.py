"""The page; the only package that imports gradio and plotly.

Gradio writes stub files for editors beside its own modules whenever it is imported, which takes a quarter of the time
until the page is up. It leaves out classes that stand in no file, and so its own, here, as long as it is imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _without_stubs() -> Iterator[None]:
    file_of = inspect.getfile

    def getfile(item: Any) -> str:
        if isinstance(item, type) and item.__module__.partition(".")[0] == "gradio":
            raise OSError
        return file_of(item)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = file_of


with _without_stubs():
    import gradio  # noqa: F401
