"""The page. Also the entry of a Space."""

from __future__ import annotations

import argparse
import sys

from playground.cli import serve
from playground.cli.parser import Parser
from playground.errors import PlaygroundError


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options. Raises InputError for what cannot be used."""
    parser = Parser(prog="python app.py", description=serve.DESCRIPTION)
    serve.add_arguments(parser)
    options = parser.parse_args(arguments)
    serve.check(options)
    return options


def main() -> int:
    try:
        serve.start(parse())
    except PlaygroundError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
