"""How many files an extension takes, counted in the repository: `python tests/extension/counts.py [--write]`.

What is new is the example's own file or folder. What is edited are other files of the package that import it or name
its module: a registry that finds its modules by itself names none. The examples are the very files that the tests
named beside them install in a distribution of their own, and use from the command line and the page.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "playground"
BEGIN, END = "<!-- counted by tests/extension/counts.py -->\n", "<!-- end of what is counted -->\n"


@dataclass(frozen=True)
class Row:
    """A kind of extension, the file or folder that shows it, and the test that adds it."""

    kind: str
    shown_by: str
    test: str

    @property
    def new(self) -> list[Path]:
        """The files that are its own."""
        path = ROOT / self.shown_by
        return sorted(path.rglob("*.py")) if path.is_dir() else [path]

    @property
    def edited(self) -> list[Path]:
        """Other files of the package that would have to be edited."""
        module = ".".join((ROOT / self.shown_by).relative_to(ROOT).with_suffix("").parts)
        return [path for path in sorted(PACKAGE.rglob("*.py")) if path not in self.new and module in named_in(path)]


ROWS = (
    Row("a method", "playground/methods/contrast_pca.py", "tests/methods/test_extension.py"),
    Row("an analysis", "tests/extension/words_in_replies.py", "tests/test_extensions.py"),
    Row("a format of exports", "tests/extension/markdown_table.py", "tests/test_extensions.py"),
    Row("a format of prompts", "tests/extension/org_prompts.py", "tests/test_extensions.py"),
    Row("a tab", "playground/ui/library", "tests/test_imports.py"),
)


def rows_of(kind: str) -> list[Row]:
    """The rows whose kind begins so."""
    return [row for row in ROWS if row.kind.startswith(kind)]


def named_in(path: Path) -> set[str]:
    """Modules that a file imports or names in a string, their packages included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.partition(":")[0])
    return {name.rsplit(".", cut)[0] for name in found for cut in range(name.count(".") + 1)}


def table() -> str:
    """The counts as Markdown."""
    lines = ["| to add | shown by | files of its own | other files edited | added by the test |"]
    lines.append("|---|---|--:|---|---|")
    for row in ROWS:
        edited = ", ".join(f"`{path.relative_to(ROOT)}`" for path in row.edited) or "none"
        lines.append(f"| {row.kind} | `{row.shown_by}` | {len(row.new)} | {edited} | `{row.test}` |")
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """CONTRIBUTING.md with the counts of today."""
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    print(table(), end="")
    if "--write" in sys.argv:
        document = ROOT / "CONTRIBUTING.md"
        document.write_text(written(document.read_text(encoding="utf-8")), encoding="utf-8")
