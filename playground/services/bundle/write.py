"""Writes a bundled page: a folder with index.html, which opens without a server, and plotly beside it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import io
import json
import re
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from playground import __version__
from playground.errors import FileError, InputError
from playground.library.atomic import write_atomically
from playground.library.origin import now
from playground.library.text import reason
from playground.places import citation
from playground.services.bundle.part import Part, Plot

INDEX, PLOTLY = "index.html", "plotly.min.js"
MOST_BYTES = 2**27
"""Of index.html: browsers on a laptop open 128 MiB, though not at once."""

_HERE = Path(__file__).parent
_PLACES = re.compile(r"\{\{(\w+)\}\}")


def write(parts: Sequence[Part], folder: Path, overwrite: bool = False) -> Path:
    """Write the page of some parts into a folder, which is created, and return the path of its index.html.

    plotly.min.js (4.8 MB) stands beside it where there are plots: the page shows texts and tables before it is read,
    and alone too. Nothing is asked of any host. Raises InputError for no part and for a folder that is there, unless
    `overwrite`; FileError when it cannot be written, and then nothing new is left behind.
    """
    check_folder(folder, overwrite)
    page = page_of(parts)
    made = not folder.exists()
    try:
        # The page last: a folder with an index.html is whole.
        if has_plots(parts):
            write_atomically(folder / PLOTLY, plotly())
        write_atomically(folder / INDEX, page)
    except FileError:
        if made:
            with contextlib.suppress(OSError):
                (folder / PLOTLY).unlink(missing_ok=True)
                folder.rmdir()
        raise
    return folder / INDEX


def archive(parts: Sequence[Part], path: Path) -> None:
    """Write the same files as a ZIP file, in a folder of its name. Raises as `write` does."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{path.stem}/{INDEX}", page_of(parts))
        if has_plots(parts):
            file.writestr(f"{path.stem}/{PLOTLY}", plotly())
    write_atomically(path, packed.getvalue())


def has_plots(parts: Sequence[Part]) -> bool:
    """Whether the page needs plotly."""
    return any(isinstance(block, Plot) for part in parts for block in part.blocks)


def check_folder(folder: Path, overwrite: bool = False) -> None:
    """Raises InputError for a file, and for a folder that holds something unless `overwrite` and it is a bundle."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"Expected a folder for the page, got the file {folder}; choose another name.")
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there and not overwrite:
        raise InputError(f"Expected a new folder for the page, got {folder}, which holds files; add --force, or choose "
                         "another.")  # fmt: skip
    if there - {INDEX, PLOTLY}:
        raise InputError(f"Expected a folder that holds a page of `bundle` only, got {folder} with other files; choose "
                         "another.")  # fmt: skip


def page_of(parts: Sequence[Part]) -> bytes:
    """The page as HTML in UTF-8. Raises InputError for no part, and for more than a browser opens."""
    if not parts:
        raise InputError("Expected something to bundle, got nothing; name a file.")
    title = parts[0].title if len(parts) == 1 else f"{parts[0].title} and {len(parts) - 1} more"
    document = {
        "title": title, "parts": [part.to_json() for part in parts], "cite": citation(), "written": now(),
        "version": __version__,
    }  # fmt: skip
    script = (_HERE / "bundle.js").read_text(encoding="utf-8")
    places = {
        "title": html.escape(title),
        "css": (_HERE / "bundle.css").read_text(encoding="utf-8"),
        "script": script,
        "hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "data": as_data(document),
    }
    template = (_HERE / "bundle.html").read_text(encoding="utf-8")
    page = _PLACES.sub(lambda place: places[place[1]], template).encode("utf-8", "replace")
    if len(page) > MOST_BYTES:
        raise InputError(f"Expected a page of at most {MOST_BYTES >> 20} MiB, got {len(page) >> 20} MiB; bundle fewer "
                         "files at once.")  # fmt: skip
    return page


def as_data(document: object) -> str:
    """JSON for a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def plotly() -> bytes:
    """plotly.min.js of the installed plotly, whose first lines name its licence. Raises FileError."""
    spec = find_spec("plotly")
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    try:
        return (Path(places[0]) / "package_data" / PLOTLY).read_bytes()
    except (IndexError, OSError) as error:
        got = reason(error) if isinstance(error, OSError) else "no plotly"
        raise FileError(f"Expected {PLOTLY} in the plotly package, got “{got}”; install plotly again.") from error
