"""What transfers between choice sets: writes that section of assets/docs/ATLAS.md from files of `transfer --out`.

    python -m tests.benchmarks.transfer_report organism.json smollm2.json --write
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from playground.analyses.choices.transfer import FLAGS
from playground.places import ASSETS

PAGE = ASSETS / "docs" / "ATLAS.md"
BEGIN, END = "<!-- by tests/benchmarks/transfer_report.py -->", "<!-- end of transfer -->"


def section_of(page: str) -> str:
    """The section with its marks, empty where a page has none."""
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}\n", page, re.DOTALL)
    return "" if found is None else found[0]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.transfer_report", description=__doc__.splitlines()[0]
    )
    parser.add_argument("files", nargs="+", type=Path, help="files of `python -m playground transfer --out FILE.json`")
    parser.add_argument("--write", action="store_true", help=f"write the section of {PAGE.name}")
    asked = parser.parse_args()
    text = section([json.loads(path.read_text(encoding="utf-8")) for path in asked.files])
    print(text)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        before = section_of(page)
        PAGE.write_text(page.replace(before, text) if before else f"{page.rstrip()}\n\n{text}", encoding="utf-8")
    return 0


def section(results: list[dict[str, Any]]) -> str:
    """The section, of one result a model."""
    lines = [
        BEGIN,
        "## What transfers",
        "",
        "Each vector's push is chosen on the set where the wanted answer gains most beyond chance (*), and applied",
        "to the others as it is (`python -m playground transfer`). In nats; in brackets the share of replies that give",
        "the wanted answer, without the push and with it. What may be noise is in italics.",
    ]
    for result in results:
        lines += ["", *_table(result)]
    return "\n".join([*lines, END, ""])


def _table(result: dict[str, Any]) -> list[str]:
    sets = [column["choices"] for column in result["sets"]]
    lines = [
        f"**{Path(result['model']).name}**; without a push "
        + ", ".join(f"{one['choices']} {one['mean']:+.2f} nats ({one['share']:.0%} of {one['items']})"
                    for one in result["sets"]) + ":",
        "",
        f"| vector, scale | {' | '.join(sets)} |",
        f"|---|{'--:|' * len(sets)}",
    ]  # fmt: skip
    counts: Counter[str] = Counter()
    held = elsewhere = agreeing = holding = 0
    for vector in result["vectors"]:
        cells = []
        for name, cell in zip(sets, vector["cells"], strict=True):
            home, reply = name == vector["home"], cell["replies"]
            said = "" if reply is None else f" ({reply['baseline']:.0%} → {reply['share']:.0%})"
            text = f"{cell['change']:+.2f}{'*' if home else ''}{said}"
            cells.append(f"_{text}_" if cell["flags"] else text)
            if cell["holds"] and reply is not None:
                holding += 1
                agreeing += reply["share"] > reply["baseline"]
            if not home:
                elsewhere += 1
                held += cell["holds"]
                counts.update(cell["flags"] or ["none"])
        name = Path(vector["vector"]).name.replace(".safetensors", "")
        lines.append(f"| {name}, {vector['relative']:+.2g} r | {' | '.join(cells)} |")
    flagged = elsewhere - counts.pop("none", 0)
    said = ", ".join(f"{flag} {counts[flag]}" for flag in FLAGS if counts[flag])
    lines += [
        "",
        f"Outside of homes {held} of {elsewhere} entries hold, {flagged} may be noise{f' ({said})' if said else ''}. "
        f"Where log-odds hold, homes included, replies agree in {agreeing} of {holding}.",
    ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
