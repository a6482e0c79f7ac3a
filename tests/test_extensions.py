"""Analyses and formats of other distributions: a file each, and the command line and the page have them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = "organism-refusals-power-3-9"

WORDS = '''
"""Number of words in generated replies, over scales."""

from dataclasses import dataclass

from playground.analyses.analysis import Analysis, Cell, Column, Figure, Option, Quantity
from playground.analyses.common.over_texts import OverTexts, TextsResult, TextsRow, over_texts
from playground.analyses.common.parts import read_texts_request, read_texts_row, row_entry, texts_request_entry
from playground.library.prompt_set import PromptSet

AXIS = "words in a reply"
ANALYSIS = Analysis(
    name="words", label="Words", summary="How long replies are.", help=("How many words a reply has.",),
    asks="prompts, by name or file", sets=("prompts",), generates=True, counts="text",
    request=f"{__name__}:WordsRequest", run=f"{__name__}:run", document=__name__,
    quantity=Quantity(AXIS, "Words in a reply", "number of words", share=False, written=".1f"),
    columns=(
        Column("mean", "words", "words", 9, ".1f"),
        Column("low", head="shortest to longest", width=22, written=".0f"),
        Column("high", written=".0f"),
    ),
    figures=(Figure("curves", "Words", "Measure draws the number of words here.", axis=AXIS, share=False),),
    options=(Option("--longest", "count at most N words", "longest", "N", whole="a number of words", usual=100),),
)


@dataclass(frozen=True, kw_only=True)
class WordsRequest(OverTexts):
    KIND = "words"
    prompts: PromptSet
    longest: int = 100

    @property
    def asked(self):
        return self.prompts


@dataclass(frozen=True)
class WordsRow(TextsRow):
    mean: float
    low: float
    high: float

    @property
    def bounds(self):
        return self.mean, self.low, self.high


class WordsResult(TextsResult):
    def item_cells(self, row, place):
        return tuple(Cell(str(len(each.texts[place].split()))) for each in (self.baseline, row))


def run(loaded, request, load_set, emit=lambda event: None, cancelled=lambda: False):
    def row(place, texts):
        counts = [min(len(text.split()), request.longest) for text in texts]
        return WordsRow(**place, texts=tuple(texts), mean=sum(counts) / len(counts), low=min(counts), high=max(counts))

    return over_texts(loaded, request, load_set, row, WordsResult, emit, cancelled)


def to_fields(result):
    rows = [row_entry(row, "mean", "low", "high", "texts") for row in result.every_row]
    request = texts_request_entry(result.request) | {"longest": result.request.longest}
    return {"request": request, "baseline": rows[0], "rows": rows[1:]}


def from_fields(document, about):
    request = WordsRequest(longest=document["request"]["longest"], **read_texts_request(document["request"], ANALYSIS))
    rows = [
        WordsRow(**read_texts_row(entry, len(request.items), "items", "mean", "low", "high"))
        for entry in (document["baseline"], *document["rows"])
    ]
    return WordsResult(request, rows[0], tuple(rows[1:]), **about)


def count(document):
    return len(document["baseline"]["texts"])
'''

ORG = '''
"""Prompts as an Org list: an item a line, after a dash."""

from playground.library.formats.format import Format
from playground.library.formats.items import build


def read(text, name):
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    return build(((f"line {number}", line[2:]) for number, line in enumerate(lines, start=1)), name, {})


FORMAT = Format(".org", "prompts", read)
'''

MARKDOWN = '''
"""Tables as Markdown."""

from playground.library.formats.format import Format


def write(columns, lines):
    rows = [columns, ["---"] * len(columns), *lines]
    return "".join(f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |\\n" for row in rows)


FORMAT = Format(".md", "table", write=write)
'''

ENTRY_POINTS = """
[steering_playground.analyses]
words = words_in_replies:ANALYSIS
broken = no_such_module:ANALYSIS

[steering_playground.formats]
org = org_prompts:FORMAT
markdown = markdown_table:FORMAT
"""


@pytest.fixture
def added(tmp_path: Path):
    """Runs Python where a distribution of three modules is installed beside the playground."""
    site = tmp_path / "site"
    about = site / "more-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    for name, text in (("words_in_replies", WORDS), ("org_prompts", ORG), ("markdown_table", MARKDOWN)):
        (site / f"{name}.py").write_text(text)
    root = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(root)])}

    def python(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done

    python.site = site
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


def test_an_analysis_and_a_format_are_one_file_each(added, tmp_path, capsys):
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
    with capsys.disabled():
        files = sorted(path.name for path in added.site.glob("*.py"))
        print(f"\nan analysis, a format of prompts and one of tables took {len(files)} files: {', '.join(files)}")
    assert len(files) == 3


def test_what_the_registries_find_in_the_playground_needs_no_torch():
    code = (
        "import sys; from playground.analyses.registry import analyses\n"
        "from playground.library.formats.registry import formats\n"
        "print(*analyses(), *formats('prompts'), *formats('vectors'), *formats('table'))\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = "choices exact replies next-token compare .txt .json .jsonl .csv .tsv .safetensors .csv"
    assert done.stdout.split() == found.split()
