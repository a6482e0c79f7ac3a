"""python -m playground serve: the page in the browser. app.py, the entry of a Space, takes the same options."""

from __future__ import annotations

import argparse
import os
import socket
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from playground.cli.outcome import Outcome
from playground.cli.parser import ADAPTER, one_of, whole
from playground.errors import InputError

SUMMARY = "open the page in the browser"
DESCRIPTION = "Find, apply and judge steering vectors in the browser."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    on_space = "SPACE_ID" in os.environ
    devices, dtypes = ("auto", "cuda", "cpu"), ("auto", "bfloat16", "float32")
    parser.add_argument("--model", metavar="M", help="a path or Hub id; without it the model that ships")
    parser.add_argument("--adapter", metavar="DIR", help=ADAPTER)
    parser.add_argument("--models", metavar="DIR", type=Path, help="a folder of models and GGUF files to choose from")
    for option, what, choices in (("--device", "a device", devices), ("--dtype", "a dtype", dtypes)):
        listed = f"{', '.join(choices)} ({choices[0]})"
        parser.add_argument(option, metavar="NAME", default=choices[0], type=one_of(what, choices), help=listed)
    parser.add_argument("--host", default="0.0.0.0" if on_space else "127.0.0.1", help="address to listen at")
    parser.add_argument(
        "--port", type=whole("a port", 1, 65535), help="port to listen at; without it the first free one from 7860"
    )
    parser.add_argument(
        "--public",
        action=argparse.BooleanOptionalAction,
        default=on_space,
        help="for strangers: shared sets cannot be changed, only listed models load, limits are tighter",
    )
    parser.add_argument("--share", action="store_true", help="open a link for a week through Gradio's relay")
    parser.add_argument("--auth", metavar="USER:PASS", help="ask for an account; or a file with such a line for each")
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name that the page is served by beside its own, as behind a proxy; may be given again",
    )
    parser.add_argument(
        "--root-path", metavar="PATH", default="", help="path at which a reverse proxy shows the page, such as /play"
    )
    parser.add_argument(
        "--mcp", action="store_true", help="serve load, find, generate, measure, scan and atlas as tools over MCP too"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="log requests, jobs and errors, without any text, to ~/.steering-playground/log: 5 files of 1 MB at most",
    )
    parser.set_defaults(json=False)


def check(options: argparse.Namespace) -> None:
    """Raises InputError for a folder that is not there, accounts that are none, an MCP server that cannot be, or an
    address that cannot be bound.
    """
    accounts(options.auth)
    if options.mcp:
        _check_mcp(options)
    if options.models is not None and not options.models.expanduser().is_dir():
        raise InputError(
            f"Expected a folder of models after --models, but there is none at {options.models}; check it."
        )
    root = options.root_path
    if root and (not root.startswith(("/", "http://", "https://")) or root.startswith("//") or "?" in root):
        raise InputError(f"Expected a path such as /play after --root-path, got {root}; write it with its slash.")
    _check_address(options.host, options.port)


def _check_mcp(options: argparse.Namespace) -> None:
    if options.auth is not None:
        raise InputError("Expected --mcp without --auth, got both: MCP clients give no account; leave one of them out.")
    if find_spec("mcp") is None or int(version("mcp").partition(".")[0]) != 1:
        raise InputError('Expected the package mcp, version 1, with --mcp, got none; run `pip install "mcp>=1.21,<2"`.')


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    start(options)
    return Outcome({}, "")


def start(options: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C, with options that were checked. Raises ModelError."""
    # Imported once the options are right: that takes seconds.
    from playground.serve import Serving, serve

    serve(
        Serving(
            model=options.model,
            adapter=options.adapter,
            models=options.models,
            device=options.device,
            dtype=options.dtype,
            host=options.host,
            port=options.port,
            public=options.public,
            share=options.share,
            accounts=accounts(options.auth),
            allow_hosts=tuple(options.allow_host),
            root_path=options.root_path.rstrip("/"),
            mcp=options.mcp,
            verbose=options.verbose,
        )
    )


def accounts(given: str | None) -> tuple[tuple[str, str], ...]:
    """(user, password) of each account in USER:PASS, or in the lines of a file. Raises InputError."""
    if given is None:
        return ()
    path = Path(given).expanduser()
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [given]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a file of accounts at {given}, got one that cannot be read; check it.") from error
    pairs = [tuple(line.strip().partition(":")[::2]) for line in lines if line.strip() and not line.startswith("#")]
    wrong = next((number for number, pair in enumerate(pairs, start=1) if not all(pair)), None)
    if wrong is not None or not pairs:
        where = f"in line {wrong} of {given}" if path.is_file() else "after --auth"
        raise InputError(f"Expected USER:PASS {where}, got no user or no password; write both.")
    return tuple((user, password) for user, password in pairs)


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
