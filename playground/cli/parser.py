"""Argument parser: options that several commands share, and errors as one sentence.

Nothing here imports torch: help and wrong options are answered at once. What only a model or a file can tell is checked
by the commands.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from playground.core.positions import check_positions
from playground.errors import InputError
from playground.library.text import listed, shown, span
from playground.limits import at_most, check_real, check_whole, limits

# As in playground/model, which is not imported here because it imports torch; a test holds them equal.
DEVICES = ("auto", "cuda", "mps", "cpu")
DTYPES = ("auto", "bfloat16", "float16", "float32", "float64")
DATE = "2026-01-01"


class Parser(argparse.ArgumentParser):
    """ArgumentParser that raises InputError with one sentence, and takes no abbreviated options."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)
        settings.setdefault("formatter_class", _Formatter)
        super().__init__(**settings)
        # argparse takes "-4" for a value and "-4,0,4" for an option; no option here begins with a digit.
        self._negative_number_matcher = _NUMBERS

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{_sentence(message)}; see `{self.prog} --help`.")


_NUMBERS = re.compile(r"-\.?\d[\d.,eE+\s-]*$")
"""A word that begins with a negative number: one, or several joined by commas."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


def _sentence(message: str) -> str:
    """Rewrite a message of argparse as "Expected …, got …"."""
    for pattern, sentence in _MESSAGES:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            return sentence.format(*match.groups())
    return f"Expected another command line, got this: {message}"


# In the order of how special they are; argparse's wording is the same in Python 3.11 and 3.12.
_MESSAGES = (
    (r"argument [^:]*: (Expected .*)", "{0}"),
    (r"the following arguments are required: (.*)", "Expected {0}, got nothing for it"),
    (r"one of the arguments (\S+) (\S+) is required", "Expected {0} or {1}, got neither"),
    (r"one of the arguments (.*) is required", "Expected one of {0}, got none of them"),
    (r"argument ([^:]*): expected .*argument.*", "Expected a value after {0}, got none"),
    (r"argument ([^:]*): not allowed with argument (.*)", "Expected either {0} or {1}, got both"),
    (r"argument ([^:]*): ignored explicit argument (.*)", "Expected {0} without a value, got {1}"),
    (r"unrecognized arguments: (.*)", "Expected options that this command knows, got {0}"),
    (r"argument ([^:]*): invalid choice: ('.*?'|\S+) \(choose from (.*)\)", "Expected {2} as {0}, got {1}"),
    (r"argument ([^:]*): invalid int value: (.*)", "Expected a whole number after {0}, got {1}"),
    (r"argument ([^:]*): (.*)", "Expected another value for {0}, got this: {1}"),
)


def whole(what: str, least: int, most: int | None = None, or_word: str | None = None) -> Callable[[str], int | str]:
    """An argparse type: a whole number from `least` to `most`, or the word `or_word`. For a number out of bounds it
    raises the InputError that the request would.
    """
    bounds = span(least, math.inf if most is None else most)
    if or_word is not None:
        bounds += f", or {or_word}"

    def read(text: str) -> int | str:
        if or_word is not None and text == or_word:
            return or_word
        if not re.fullmatch(r"[+-]?\d{1,40}", text.strip(), re.ASCII):
            raise argparse.ArgumentTypeError(f"Expected {what} {bounds}, got {shown(text)}")
        check_whole(what.removeprefix("a "), int(text), least, most)
        return int(text)

    return read


def real(what: str, least: float = -math.inf, most: float = math.inf, above: bool = False) -> Callable[[str], float]:
    """An argparse type: a finite number from `least` (or above it) to `most`. For another number it raises the
    InputError that the request would.
    """
    bounds = span(least, most, above)

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"Expected {what} {bounds}, got {shown(text)}") from None
        check_real(what.removeprefix("a "), value, least, most, above)
        return value

    return read


def reals(what: str, least: float = -math.inf) -> Callable[[str], tuple[float, ...]]:
    """An argparse type: finite numbers from `least` on, joined by commas."""
    number = real(what, least)
    return lambda text: tuple(number(part) for part in text.split(","))


def one_of(what: str, choices: tuple[str, ...], pattern: str | None = None) -> Callable[[str], str]:
    """An argparse type: one of `choices`, or what `pattern` matches."""

    def read(text: str) -> str:
        if text not in choices and not (pattern and re.fullmatch(pattern, text)):
            raise argparse.ArgumentTypeError(f"Expected {what}: {listed(choices)}, got {text!r}")
        return text

    return read


def option_of(name: str) -> str:
    """The option that argparse keeps under a name."""
    return f"--{name.replace('_', '-')}"


SEED = whole("a seed", 0, 2**63 - 1)
ADAPTER = "folder of a LoRA adapter, merged into the model's float weights (needs the package peft)"


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model, --adapter, --device, --dtype."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="M",
        help="path or Hub id (id@revision) of a causal model; without it the model that ships with the playground",
    )
    group.add_argument("--adapter", metavar="DIR", help=ADAPTER)
    group.add_argument(
        "--device",
        metavar="NAME",
        default="auto",
        type=one_of("a device", DEVICES, r"cuda:\d+"),
        help="auto (CUDA, then MPS, then CPU), cuda, cuda:N, mps or cpu",
    )
    group.add_argument(
        "--dtype",
        metavar="D",
        default="auto",
        type=one_of("a dtype", DTYPES),
        help=f"{listed(DTYPES)}; auto takes the checkpoint's",
    )


def add_format(group: argparse._ActionsContainer) -> None:
    """Add --system, --raw, --chat, --thinking, --date: the prompt format."""
    group.add_argument("--system", metavar="TEXT", help="system prompt; an empty text means none")
    how = group.add_mutually_exclusive_group()
    how.add_argument("--raw", action="store_true", help="give the prompt to the model as it is, without chat template")
    how.add_argument(
        "--chat", action="store_true", help="use the chat template (the usual way, unless a prompt set says otherwise)"
    )
    group.add_argument("--thinking", action="store_true", help="let a model that can think do so (off otherwise)")
    group.add_argument(
        "--date", metavar="YYYY-MM-DD", help=f"the day a chat template is told that writes today's date ({DATE})"
    )


def add_prompts(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add --prompts with `add_selection`, --prompt, and `add_format`."""
    group = parser.add_argument_group("prompts")
    which = group.add_mutually_exclusive_group(required=required)
    which.add_argument("--prompts", metavar="SET|FILE", help="a prompt set by name, or a file (txt, json, jsonl, csv)")
    which.add_argument(
        "--prompt",
        metavar="TEXT",
        action="extend",
        nargs="+",
        help="one prompt or several, each in quotes; may be given several times",
    )
    add_selection(group)
    add_format(group)


def add_selection(group: argparse._ActionsContainer) -> None:
    """Add --count, --sample, --sample-seed, --balance: which items of a prompt set are used."""
    how_many = group.add_mutually_exclusive_group()
    how_many.add_argument(
        "--count", metavar="N", type=whole("a count of items", 1), help="use the first N items of the set only"
    )
    how_many.add_argument(
        "--sample", metavar="N", type=whole("a size of the sample", 1), help="use N items of the set drawn at random"
    )
    group.add_argument("--sample-seed", metavar="S", type=SEED, help="seed of the items that are drawn (0)")
    group.add_argument(
        "--balance",
        action="store_true",
        help="of a choice set use as many items with the behaviour at one answer letter as at the other",
    )


def add_positions(group: argparse._ActionsContainer, what: str) -> None:
    """Add --positions: at which tokens `what` is added."""
    group.add_argument(
        "--positions",
        metavar="WHERE",
        default="all",
        type=_positions,
        help=f"add {what} at all tokens (all), at the prompt's (prompt), at its last one (last), at generated ones "
        "(generated), or at the first N of these (first-N)",
    )


def _positions(text: str) -> str:
    check_positions(text)
    return text


def add_decoding(group: argparse._ActionsContainer, tokens: int) -> None:
    """Add --max-new-tokens (default: `tokens`), --temperature, --top-p."""
    group.add_argument(
        "--max-new-tokens",
        metavar="N",
        default=tokens,
        type=whole("a number of new tokens", 1, limits().new_tokens),
        help=f"at most this many tokens a text ({tokens}; {at_most(limits().new_tokens)})",
    )
    group.add_argument(
        "--temperature",
        metavar="X",
        type=real("a temperature", 0),
        help="0 or none: greedy; else the tokens are drawn at this temperature",
    )
    group.add_argument(
        "--top-p",
        metavar="P",
        type=real("a top-p", 0, 1, above=True),
        help="draw among the likeliest tokens that make up this probability (1)",
    )


def add_sampling(parser: argparse.ArgumentParser, tokens: int, samples: str, most: int) -> None:
    """Add `add_decoding`, --samples (help: `samples`, at most `most`) and --seed."""
    group = parser.add_argument_group("sampling")
    add_decoding(group, tokens)
    group.add_argument(
        "--samples", metavar="N", default=1, type=whole("a number of samples", 1, most),
        help=f"{samples} (1; {at_most(most)})",
    )  # fmt: skip
    group.add_argument("--seed", metavar="N", type=SEED, help="seed of the draws (0)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output and nothing else")
