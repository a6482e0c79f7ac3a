"""python -m playground measure: what vectors do to choices, replies and next tokens, beside random directions."""

from playground.cli.measure.execute import run
from playground.cli.measure.options import DESCRIPTION, SUMMARY, add_arguments

__all__ = ["DESCRIPTION", "SUMMARY", "add_arguments", "run"]
