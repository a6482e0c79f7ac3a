"""The page: parse, load, compose, launch. Also the entry of a Space."""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from playground.errors import PlaygroundError
from playground.services.session import Workbench
from playground.ui.page import build, launch_options


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    on_space = "SPACE_ID" in os.environ
    parser = argparse.ArgumentParser(
        prog="app.py", description="Find, apply and judge steering vectors in the browser."
    )
    parser.add_argument("--model", help="a path or Hub id; without it the model that ships")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--dtype", choices=("auto", "bfloat16", "float32"), default="auto")
    parser.add_argument("--host", default="0.0.0.0" if on_space else "127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, help="port to listen at; without it the first free one from 7860")
    parser.add_argument("--public", action="store_true", help="open a public link through Gradio's relay")
    return parser.parse_args(arguments)


def main() -> int:
    settings = parse()
    workbench = Workbench()
    try:
        loaded = workbench.load_model(settings.model, settings.device, settings.dtype)
    except PlaygroundError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    print(loaded.summary, file=sys.stderr)
    try:
        build(workbench).launch(
            server_name=settings.host, server_port=settings.port, share=settings.public, **launch_options()
        )
    except KeyboardInterrupt:  # Gradio takes it once it waits; before, it is ours
        pass
    finally:
        workbench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
