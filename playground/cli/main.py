"""Entry point of the command line: parses the arguments, runs the command, prints its outcome.

Exit status 0 for success, 2 for bad input (one line on standard error, nothing on standard output), 130 after Ctrl-C.
Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence

from playground.analyses.common.json_values import plain
from playground.cli import (
    atlas,
    band,
    bundle,
    calibrate,
    compare,
    compare_atlases,
    evidence,
    export,
    find,
    generate,
    imports,
    measure,
    scan,
    serve,
    train_organism,
    transfer,
    words,
)
from playground.cli.outcome import Outcome
from playground.cli.parser import Parser
from playground.cli.terminal import print_what_can_be_printed, tell
from playground.errors import Cancelled, PlaygroundError

COMMANDS = {
    "find": find,
    "generate": generate,
    "measure": measure,
    "transfer": transfer,
    "scan": scan,
    "atlas": atlas,
    "calibrate": calibrate,
    "compare": compare,
    "compare-atlases": compare_atlases,
    "words": words,
    "band": band,
    "evidence": evidence,
    "bundle": bundle,
    "export": export,
    "import": imports,
    "train-organism": train_organism,
    "serve": serve,
}
BAD_INPUT, INTERRUPTED = 2, 130


def build_parser(chosen: str | None = None) -> Parser:
    """The parser with all commands; where one is `chosen`, with the options of that one only, which saves imports."""
    parser = Parser(
        prog="python -m playground",
        description="Find, apply and judge steering vectors of causal language models; `serve` opens the page.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.DESCRIPTION)
        if chosen is None or chosen == name:
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with these arguments (None: those of the process) and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    print_what_can_be_printed()
    try:
        chosen = next((word for word in arguments if word in COMMANDS), "none")
        options = build_parser(chosen).parse_args(arguments)
        outcome = _run(options)
    except PlaygroundError as error:
        text = str(error)
        tell(text[:1].lower() + text[1:] if text.startswith("Expected") else text)
        return BAD_INPUT
    except (KeyboardInterrupt, Cancelled):
        tell("stopped before there was anything to keep.")
        return INTERRUPTED
    return _print(outcome, as_json=options.json)


def _run(options: argparse.Namespace) -> Outcome:
    _quiet_libraries()
    # Whatever a library prints belongs to the messages: standard output is for the one object.
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        outcome: Outcome = options.run(options)
    return outcome


def _quiet_libraries() -> None:
    """Turn progress bars and notices of libraries off. Works only before these are imported."""
    for name, value in {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(name, value)


def _print(outcome: Outcome, as_json: bool) -> int:
    text = json.dumps(plain(outcome.data), allow_nan=False) if as_json else outcome.text
    try:
        if text:
            print(text, flush=True)
    except BrokenPipeError:
        # The reader (head, say) has closed the pipe; without this Python would print an error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return INTERRUPTED if outcome.interrupted else 0
