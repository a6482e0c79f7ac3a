"""The page of the API: every public name is on it, with all its parameters, and its Python runs as written."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import playground as sp

PAGE = (Path(__file__).resolve().parents[1] / "assets" / "docs" / "API.md").read_text(encoding="utf-8")
SECTIONS = {
    name: section
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for name in re.findall(r"`(\w+)`", section.splitlines()[0])
}
FUNCTIONS = sorted(name for name in sp.__all__ if inspect.isfunction(getattr(sp, name)))


def test_every_public_name_has_its_section_and_no_other():
    assert sorted(SECTIONS) == sorted(sp.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_shown_with_all_its_parameters_in_their_order(name):
    (shown,) = re.findall(rf"^{name}\((.*?)\) -> ", SECTIONS[name], flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"\w+(?=[:=])|(?<=\*\*)\w+", shown) == list(inspect.signature(getattr(sp, name)).parameters)


def test_the_python_runs_as_written(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    code = "".join(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL))
    exec(compile(code, "API.md", "exec"), {})
    said = capsys.readouterr().out
    assert "baseline (norm 0.0): I'm sorry" in said
    assert "stopped before there was anything" in said
