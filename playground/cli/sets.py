"""Options `--vectors FILE --rows ROWS`: the vector sets of a command, one or several, each with its rows.

Nothing here imports torch.
"""

from __future__ import annotations

import argparse
from typing import Any

from playground.errors import InputError


def add_set(group: argparse._ActionsContainer) -> None:
    """The options for one set: `options.vectors` is a file or a name, `options.rows` the rows as typed."""
    group.add_argument(
        "--vectors", metavar="FILE", required=True, help="a vector set: a file, or the name of a set in vectors/"
    )
    group.add_argument(
        "--rows",
        metavar="ROWS",
        default="all",
        help="all, starred, kept (what is not discarded), a range like 0-11, or numbers like 0,3,7 (all)",
    )


def add_sets(group: argparse._ActionsContainer, means: bool = False, required: bool = False) -> None:
    """The options for several sets: `options.vectors` is a list of [file, rows as typed or None]. `means`: rows may be
    averages.
    """
    group.add_argument(
        "--vectors",
        metavar="FILE",
        action=_File,
        required=required,
        help="a vector set by file or by name in vectors/; may be given several times, each with its own --rows",
    )
    group.add_argument(
        "--rows",
        metavar="R,…",
        action=_Rows,
        help="rows of the set named before, such as 0,1,4-7, starred or kept"
        + ("; mean:A-B is the average of rows A to B−1" if means else "")
        + " (all rows)",
    )


class _File(argparse.Action):
    """Collects [file, rows] pairs in the order they are given."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        setattr(options, self.dest, [*(getattr(options, self.dest) or []), [value, None]])


class _Rows(argparse.Action):
    """Puts rows into the pair of the file named before them. Raises InputError for rows without a file, or twice."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        files = options.vectors or []
        if not files:
            raise InputError("Expected --rows after the --vectors they belong to, got them first; turn them around.")
        if files[-1][1] is not None:
            raise InputError(f"Expected --rows once for {files[-1][0]}, got it twice; join rows by commas.")
        files[-1][1] = value
