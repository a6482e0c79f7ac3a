"""python -m playground find METHOD: directions from prompts, into a file."""

from playground.cli.find.execute import run
from playground.cli.find.options import DESCRIPTION, SUMMARY, add_arguments

__all__ = ["DESCRIPTION", "SUMMARY", "add_arguments", "run"]
