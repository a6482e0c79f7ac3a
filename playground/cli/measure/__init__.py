"""python -m playground measure: effects of vectors on choices, replies and next tokens over scales."""

from playground.cli.measure.execute import run
from playground.cli.measure.options import DESCRIPTION, SUMMARY, add_arguments

__all__ = ["DESCRIPTION", "SUMMARY", "add_arguments", "run"]
