"""Prompts as an Org list: an item a line, after a dash."""

from playground.library.formats.format import Format
from playground.library.formats.items import build


def read(text, name):
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    return build(((f"line {number}", line[2:]) for number, line in enumerate(lines, start=1)), name, {})


FORMAT = Format(".org", "prompts", read)
