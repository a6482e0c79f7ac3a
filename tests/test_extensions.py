"""Analyses and formats of other distributions: a file each, and the command line and the page have them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from counts import ROOT, named_in, rows_of, written

VECTORS = "organism-refusals-power-3-9"

ENTRY_POINTS = {
    "steering_playground.analyses": ["words = words_in_replies:ANALYSIS", "broken = no_such_module:ANALYSIS"],
    "steering_playground.formats": ["org = org_prompts:FORMAT", "markdown = markdown_table:FORMAT"],
}


@pytest.fixture
def added(tmp_path: Path):
    """Runs Python where a distribution of three modules is installed beside the playground."""
    site = tmp_path / "site"
    about = site / "more-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    points = (f"[{group}]\n" + "\n".join(lines) for group, lines in ENTRY_POINTS.items())
    (about / "entry_points.txt").write_text("\n\n".join(points))
    for row in (*rows_of("an analysis"), *rows_of("a format")):
        shutil.copy(ROOT / row.shown_by, site)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def python(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done

    return python


PAGE = """
import gradio as gr
import pathlib, sys
from playground.analyses.common.document import from_document
from playground.analyses.common.measurements import read
from playground.library.store import Store
from playground.services.session import Workbench
from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import keep, layout

frame = Frame(Workbench(store=Store(pathlib.Path(sys.argv[1]).parent)))
with gr.Blocks():
    tab = layout.build(frame)
assert [label for label, _ in tab.kind.choices][-1] == "Words", tab.kind.choices
visitor, result = Visitor("a"), from_document(read(sys.argv[1]))
keep.look_at(visitor, result)
updates = tab.cleared(result.analysis) | keep.shown(frame, tab, visitor, result)
print(updates[tab.figures.plots[0]].layout.yaxis.title.text, "|", updates[tab.progress], "|", updates[tab.items])
frame.workbench.close()
"""


def test_an_analysis_and_a_format_are_one_file_each(added, tmp_path):
    (tmp_path / "asked.org").write_text("* Asked\n- How do I bake bread?\n- What is tea?\n")
    out, table = tmp_path / "words.measure.json", tmp_path / "rows.md"
    words = ["-m", "playground", "measure", "--words", "asked.org", "--vectors", VECTORS, "--rows", "3"]
    words += ["--scales=-1,1", "--unit", "f", "--controls", "1", "--max-new-tokens", "6", "--longest", "5"]
    done = added(*words, "--out", out, "--json")
    printed = json.loads(done.stdout)
    assert (printed["prompts"], printed["items"], len(printed["rows"])) == ("asked", 2, 4)
    assert all(1 <= row["mean"] <= 5 for row in printed["rows"][:2])
    assert done.stderr.count("“broken” is left out: ModuleNotFoundError") == 1

    done = added(*words, "--out", table, "--items-out", tmp_path / "items.csv")
    assert "shortest to longest" in done.stdout
    assert "Best vector of each set, by the span of its number of words" in done.stdout
    lines = table.read_text().splitlines()
    assert lines[0] == "| set | vector | kind | layer | scale | relative | multiple | mean | low | high | label |"
    assert len(lines) == 2 + 1 + 4
    assert next(csv.reader((tmp_path / "items.csv").open()))[-1] == "label"

    seen = added("-c", PAGE, out).stdout
    assert "words in a reply" in seen
    assert "2 rows of vectors, 2 of random directions" in seen
    assert "How do I bake bread?" in seen
    assert "How many words a reply has." in added("-m", "playground", "measure", "--help").stdout


def test_what_the_registries_find_in_the_playground_needs_no_torch():
    code = (
        "import sys; from playground.analyses.registry import analyses\n"
        "from playground.library.formats.registry import formats\n"
        "from playground.methods.base.registry import registered\n"
        "print(*registered(), *analyses(), *formats('prompts'), *formats('vectors'), *formats('table'))\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = "power melbo dct ortho difference contrast-pca word random choices exact replies next-token compare "
    found += ".txt .json .jsonl .csv .tsv .safetensors .csv"
    assert done.stdout.split() == found.split()


def test_contributing_says_what_an_extension_takes():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert written(text) == text, "run python tests/extension/counts.py --write"
    for row in (*rows_of("a method"), *rows_of("an analysis"), *rows_of("a format")):
        assert (len(row.new), row.edited) == (1, []), row
    assert [[path.name for path in row.edited] for row in rows_of("a tab")] == [["tabs.py"]]


def test_a_file_that_names_a_module_is_counted_as_edited():
    assert "playground.methods.contrast_pca" in named_in(ROOT / "playground/methods/contrast_pca.py")
    assert {"playground.ui.library", "playground.ui.kit.tab"} <= named_in(ROOT / "playground/ui/tabs.py")
