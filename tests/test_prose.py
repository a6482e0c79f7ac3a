"""Docstrings of modules begin with a plain statement of what they hold, in words that someone would search for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "playground"
RIDDLES = ("What", "How", "From", "Whether", "Where", "Which", "Why", "When", "Who")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_in_its_first_line_what_it_is(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if text is None:
        assert not path.read_text(encoding="utf-8").strip(), f"{path} has no docstring"
        return
    first = text.splitlines()[0]
    assert first.split()[0] not in RIDDLES, first
    assert first[0].isupper() or first[0] in "`θpi", first
