"""python -m playground serve: the page in the browser. app.py, the entry of a Space, takes the same options."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

from playground.cli.outcome import Outcome
from playground.cli.parser import one_of, whole
from playground.errors import InputError

SUMMARY = "open the page in the browser"
DESCRIPTION = "Find, apply and judge steering vectors in the browser."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    on_space = "SPACE_ID" in os.environ
    devices, dtypes = ("auto", "cuda", "cpu"), ("auto", "bfloat16", "float32")
    parser.add_argument("--model", metavar="M", help="a path or Hub id; without it the model that ships")
    parser.add_argument("--models", metavar="DIR", type=Path, help="a folder of models and GGUF files to choose from")
    for option, what, choices in (("--device", "a device", devices), ("--dtype", "a dtype", dtypes)):
        listed = f"{', '.join(choices)} ({choices[0]})"
        parser.add_argument(option, metavar="NAME", default=choices[0], type=one_of(what, choices), help=listed)
    parser.add_argument("--host", default="0.0.0.0" if on_space else "127.0.0.1", help="address to listen at")
    parser.add_argument(
        "--port", type=whole("a port", 1, 65535), help="port to listen at; without it the first free one from 7860"
    )
    parser.add_argument("--public", action="store_true", help="open a public link through Gradio's relay")
    parser.add_argument(
        "--root-path", metavar="PATH", default="", help="path at which a reverse proxy shows the page, such as /play"
    )
    parser.set_defaults(json=False)


def check(options: argparse.Namespace) -> None:
    """Raises InputError for a folder that is not there, or an address that cannot be bound."""
    if options.models is not None and not options.models.expanduser().is_dir():
        raise InputError(
            f"Expected a folder of models after --models, but there is none at {options.models}; check it."
        )
    root = options.root_path
    if root and (not root.startswith(("/", "http://", "https://")) or root.startswith("//") or "?" in root):
        raise InputError(f"Expected a path such as /play after --root-path, got {root}; write it with its slash.")
    _check_address(options.host, options.port)


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    start(options)
    return Outcome({}, "")


def start(options: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C, with options that were checked. Raises ModelError."""
    # Imported once the options are right: that takes seconds.
    from playground.serve import serve

    serve(
        options.model, options.models, options.device, options.dtype, options.host, options.port, options.public,
        options.root_path.rstrip("/"),
    )  # fmt: skip


def _check_address(host: str, port: int | None) -> None:
    """Raises InputError for an address that is not of this machine, and for a port that is taken or not allowed."""
    try:
        place = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(*place[:2]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place[4])
    except (OSError, UnicodeError) as error:
        what = f"an address of this machine, got {host}" if port is None else f"a free port, got {port} at {host}"
        said = getattr(error, "strerror", None) or "no such address"
        raise InputError(f"Expected {what} (“{said}”); choose another --host or --port.") from error
