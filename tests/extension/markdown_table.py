"""Tables as Markdown."""

from playground.library.formats.format import Format


def write(columns, lines):
    rows = [columns, ["---"] * len(columns), *lines]
    return "".join(f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |\n" for row in rows)


FORMAT = Format(".md", "table", write=write)
