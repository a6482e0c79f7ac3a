"""python -m playground train-organism: train or evaluate the model that ships."""

from __future__ import annotations

import argparse

from playground.cli.outcome import Outcome

SUMMARY = "train the model that ships with the playground, or report on it"
DESCRIPTION = "Train the model organism from dialogues it generates itself, or measure the figures of one that exists."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from playground.organism import command

    command.add_arguments(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.organism import command

    return Outcome(command.run(options), "")  # without --json it prints its own messages and table
