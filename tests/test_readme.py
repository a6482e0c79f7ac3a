"""The README and the documents tell the truth: the tree, commands, Python, links, front matter."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "assets" / "docs"
ARCHITECTURE = DOCS / "ARCHITECTURE.md"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
SHOWN = README + (DOCS / "GUIDE.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m playground (?!--)(.+)$", SHOWN, flags=re.MULTILINE)


def constraints() -> dict[str, str]:
    lines = (ROOT / "tests" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_the_tree_names_every_module_and_no_other():
    tree = ARCHITECTURE.read_text(encoding="utf-8").split("## The tree")[1]
    named = set(re.findall(r"[\w.]+\.(?:py|css|js)\b", tree))
    there = {
        path.name
        for pattern in ("*.py", "*.css", "*.js")
        for path in (ROOT / "playground").rglob(pattern)
        if path.name != "__init__.py"
    }
    assert named == there | {"app.py"}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_shown_is_one_the_command_line_reads(line):
    from playground.cli.main import build_parser

    build_parser().parse_args(shlex.split(line))


def test_the_python_shown_runs(monkeypatch, capsys, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "can't help" in said.splitlines()[0]  # the baseline refuses
    assert "random-0" in said
    assert (tmp_path / "lighthouse.safetensors").is_file()


def test_the_space_runs_the_gradio_that_was_tested():
    assert f"sdk_version: {constraints()['gradio']}\n" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_page_linked_is_there(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_the_first_command_says_what_is_shown(capsys, monkeypatch, tmp_path):
    from playground.cli.main import main

    shown = re.search(r"^    python -m playground (generate .+)\n\n```text\n([^`]*)```", README, re.MULTILINE)
    assert shown is not None
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(shown[1])) == 0
    assert capsys.readouterr().out.strip() == shown[2].strip()


def test_figures_of_speed_stand_where_the_benchmarks_write_them():
    """Nothing is copied by hand: the README links to the file that `python -m tests.benchmarks --write` writes."""
    results = (ROOT / "tests" / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    assert "| work | baseline | asked | measured |" in results
    assert "(tests/benchmarks/RESULTS.md)" in README
    assert not re.search(r"\d ×", README)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_document_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    there = [f"/{path.relative_to(ROOT)}" for part in ("playground", "tests") for path in (ROOT / part).rglob("*.py")]
    for module in set(re.findall(r"`([\w/]+\.py)`", text)):
        assert any(path.endswith(f"/{module}") for path in there), f"{page.name} names {module}, which is not there"
