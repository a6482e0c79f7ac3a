"""The page: parse, load, compose, launch. Also the entry of a Space."""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from playground.cli.parser import Parser, one_of, whole
from playground.errors import InputError, PlaygroundError


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options. Raises InputError for what cannot be used."""
    on_space = "SPACE_ID" in os.environ
    devices, dtypes = ("auto", "cuda", "cpu"), ("auto", "bfloat16", "float32")
    parser = Parser(prog="python app.py", description="Find, apply and judge steering vectors in the browser.")
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
    settings = parser.parse_args(arguments)
    if settings.models is not None and not settings.models.expanduser().is_dir():
        raise InputError(
            f"Expected a folder of models after --models, but there is none at {settings.models}; check it."
        )
    _check_address(settings.host, settings.port)
    return settings


def main() -> int:
    try:
        settings = parse()
        # Imported once the options are right: that takes seconds, a tenth of them less without a search for garbage in
        # what is made to stay.
        gc.disable()
        from playground.services.session import Workbench
        from playground.ui.page import build, launch_options

        workbench = Workbench(models=settings.models)
        loaded = workbench.load_model(settings.model, settings.device, settings.dtype)
    except PlaygroundError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    print(loaded.summary, file=sys.stderr)
    try:
        page = build(workbench)
        gc.freeze()
        gc.enable()
        page.launch(server_name=settings.host, server_port=settings.port, share=settings.public, **launch_options())
    except KeyboardInterrupt:  # Gradio takes it once it waits; before, it is ours
        pass
    finally:
        workbench.close()
    return 0


def _check_address(host: str, port: int | None) -> None:
    """Raises InputError for an address that is not this machine's, and for a port that is taken or not allowed."""
    try:
        place = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(*place[:2]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place[4])
    except (OSError, UnicodeError) as error:
        what = f"an address of this machine, got {host}" if port is None else f"a free port, got {port} at {host}"
        said = getattr(error, "strerror", None) or "no such address"
        raise InputError(f"Expected {what} (“{said}”); choose another --host or --port.") from error


if __name__ == "__main__":
    sys.exit(main())
