"""python -m playground bundle: results as a folder with one HTML page that opens without a server."""

from __future__ import annotations

import argparse
from pathlib import Path

from playground.cli.outcome import Outcome, check_out
from playground.cli.parser import add_json

SUMMARY = "write scans, measurements, vector sets or evidence as a page that opens anywhere, without a server"
DESCRIPTION = (
    "Write a folder with index.html, which has search, filters, sortable rows and plots, and opens from a disk or any\n"
    "web space: nothing is fetched from anywhere. plotly.min.js (4.8 MB) stands beside it where there are plots. No\n"
    "model is needed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a scan or a measurement (.json), a vector set (.safetensors), or a "
        "folder of `evidence`; several become parts of one page",
    )  # fmt: skip
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write the page into")
    parser.add_argument("--force", action="store_true", help="replace the page that DIR holds")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.services.bundle import part_of, write
    from playground.services.bundle.write import INDEX, check_folder

    check_folder(options.out, options.force)
    check_out(options.out / INDEX, INDEX)
    parts = [part_of(file) for file in options.files]
    page = write(parts, options.out, options.force)
    data = {
        "folder": str(options.out), "page": str(page), "bytes": page.stat().st_size,
        "parts": [{"title": part.title, "kind": part.kind} for part in parts],
    }  # fmt: skip
    return Outcome(data, "\n".join([*(part.title for part in parts), f"written to {page}"]))
