"""Bundled pages: what stands in them, that data never becomes markup, and how the folder is written."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import test_figure as measured  # the smallest result of every analysis
from test_scan_file import made

from playground.errors import FileError, InputError
from playground.library.origin import RowNote
from playground.library.store import open_set
from playground.services.bundle import archive, part_of, write
from playground.services.bundle.part import Column, Part, Table, Words, changed_spans
from playground.services.bundle.write import INDEX, PLOTLY, as_data, page_of
from playground.services.scan import file as scans

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "</script><img src=x onerror=alert(1)><!-- {{data}} \u202e$&`"
EVIDENCE = ROOT / "assets" / "docs" / "evidence"


def data_of(page: bytes | Path) -> dict:
    """The document that a page holds, read as a browser finds it."""
    text = (page if isinstance(page, bytes) else page.read_bytes()).decode()
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def tables(part: Part) -> list[Table]:
    return [block for block in part.blocks if isinstance(block, Table)]


def column(table: Table, title: str) -> list:
    place = [one.title for one in table.columns].index(title)
    return [row[place] for row in table.rows]


def test_a_scan_has_a_row_a_text_with_its_notes_the_baseline_and_what_repeats_it(tmp_path):
    notes = (RowNote(), RowNote(label="code", star=True), RowNote())
    scans.save(made(), tmp_path / "scan.json", notes)
    part = part_of(tmp_path / "scan.json")
    (table,) = tables(part)
    assert len(table.rows) == 3
    assert column(table, "name") == ["code", "", ""]
    assert column(table, "vector") == ["1", "0", "2"], "by effect, noise last"
    assert [row[table.noise] for row in table.rows] == [0, 0, 1]
    assert [row[table.star] for row in table.rows] == [1, 0, 0]
    facts = dict(part.facts)
    assert (facts["model"], facts["fingerprint"], facts["layer"]) == ("tiny", "0" * 16, "block 3")
    assert part.command.startswith("python -m playground scan --model tiny --dtype float32 --vectors a --rows 0-2")
    assert "made elsewhere" in part.warnings
    changed = next(one.changed for one in table.columns if one.kind == "model")
    assert table.rows[0][changed] == [0, len('say "1",\nnot = x')]


def test_spans_of_changes_count_as_javascript_does():
    assert changed_spans("I am here", "I am 😀 there") == [5, 13]
    assert changed_spans("same", "same") == []


@pytest.mark.parametrize("kind", ["choices", "exact", "replies", "next_token"])
def test_every_kind_of_measurement_has_the_plots_of_the_page_rows_and_items(kind):
    result = getattr(measured, kind)()
    part = part_of(result)
    plots = [block for block in part.blocks if not isinstance(block, Table | Words)]
    assert [plot.title for plot in plots] == [figure.title for figure in result.analysis.figures]
    assert [table.title for table in tables(part)] == ["Rows", "Items"]
    assert part.command.startswith("python -m playground measure --model m")
    data = data_of(page_of([part]))
    assert data["parts"][0]["blocks"][0]["figure"]["data"]


def test_a_vector_set_and_a_folder_of_evidence_are_parts_too():
    part = part_of(open_set("organism-refusals-power-3-9"))
    (table,) = tables(part)
    assert len(table.rows) == 12
    assert {"found +", "found −", "singular values"} <= {one.title for one in table.columns}
    part = part_of(EVIDENCE / "organism")
    assert part.title == "Evidence on organism"
    assert column(tables(part)[0], "here")[0] == "seen"
    data = data_of(page_of([part]))
    pictures = [block for block in data["parts"][0]["blocks"] if block["type"] == "picture"]
    assert len(pictures) == len(list((EVIDENCE / "organism").glob("*.svg")))


def test_hostile_texts_stay_data():
    scan = made()
    cells = tuple(replace(cell, text=HOSTILE) for cell in scan.cells)
    scan = replace(scan, cells=cells, request=replace(scan.request, prompts=(HOSTILE,), source=HOSTILE[:20]))
    page = page_of([part_of(scan)])
    text = page.decode()
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text
    assert column_of_json(data_of(page), "text") == [HOSTILE] * 3
    script = (ROOT / "playground" / "services" / "bundle" / "bundle.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)


def column_of_json(data: dict, title: str) -> list:
    table = next(block for block in data["parts"][0]["blocks"] if block["type"] == "table")
    place = [one.get("title") for one in table["columns"]].index(title)
    return [row[place] for row in table["rows"]]


def test_folders_of_whoever_made_it_are_not_shown():
    scan = made()
    source = "/home/someone/sets/refusals.safetensors"
    cells = tuple(replace(cell, recipe=f"{source}#{cell.row}@4.2") for cell in scan.cells)
    scan = replace(
        scan, model="/home/someone/model.gguf", cells=cells, request=replace(scan.request, source=source)
    )  # fmt: skip
    page = page_of([part_of(scan)])
    assert b"someone" not in page
    assert "--model model.gguf" in data_of(page)["parts"][0]["command"]
    assert column_of_json(data_of(page), "recipe")[0] == "refusals.safetensors#1@4.2"


def test_json_in_a_script_has_no_character_that_ends_it():
    assert not set(as_data({"<!--": ["</script>", "&", "<script>"]})) & set("<>&")


def small(*rows: tuple) -> Part:
    return Part("One", "scan", (), (Table("Rows", (Column("a"),), rows),))


def test_the_folder_holds_one_page_and_plotly_only_where_there_are_plots(tmp_path):
    page = write([small(("x",))], tmp_path / "plain")
    assert page == tmp_path / "plain" / INDEX
    assert [path.name for path in page.parent.iterdir()] == [INDEX]
    page = write([part_of(made())], tmp_path / "plots")
    assert sorted(path.name for path in page.parent.iterdir()) == [INDEX, PLOTLY]
    assert (tmp_path / "plots" / PLOTLY).read_bytes().startswith(b"/**\n* plotly.js v")
    data = data_of(page)
    assert data["cite"].startswith("cff-version")
    assert data["written"]


def test_an_archive_holds_the_same_files_in_one_folder(tmp_path):
    archive([part_of(made())], tmp_path / "scan.zip")
    with zipfile.ZipFile(tmp_path / "scan.zip") as file:
        assert file.namelist() == [f"scan/{INDEX}", f"scan/{PLOTLY}"]
    assert (tmp_path / "scan.zip").stat().st_size < 2_000_000


def test_a_page_that_is_there_is_replaced_only_when_asked_and_other_files_never(tmp_path):
    folder = tmp_path / "page"
    write([small(("x",))], folder)
    with pytest.raises(InputError, match="Expected a new folder .* add --force"):
        write([small(("y",))], folder)
    write([small(("y",))], folder, overwrite=True)
    assert b'"y"' in (folder / INDEX).read_bytes()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="with other files"):
        write([small(("z",))], folder, overwrite=True)
    with pytest.raises(InputError, match="got the file"):
        write([small(("z",))], folder / "thesis.tex", overwrite=True)
    with pytest.raises(InputError, match="got nothing"):
        write([], tmp_path / "nothing")


@pytest.mark.parametrize("full", [INDEX, PLOTLY])
def test_a_full_disk_leaves_nothing_new_and_keeps_what_was_there(tmp_path, monkeypatch, full):
    part = part_of(made())
    before = write([small(("x",))], tmp_path / "there").read_bytes()
    real = os.replace

    def replace_file(source, target):
        if Path(target).name == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace_file)
    with pytest.raises(FileError, match="free some space"):
        write([part], tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(FileError, match="free some space"):
        write([part], tmp_path / "there", overwrite=True)
    assert (tmp_path / "there" / INDEX).read_bytes() == before


def test_files_of_other_kinds_and_damaged_ones_are_refused_in_a_sentence(tmp_path):
    for name, text, error, says in (
        ("a.txt", "x", InputError, "Expected a scan or a measurement"),
        ("a.json", "{}", FileError, "Expected a scan"),
        ("b.json", '{"format": "steering-playground-measurement"}', FileError, "Expected format version"),
        ("a.md", "# Notes", FileError, "Expected a page that `evidence` wrote"),
        ("a.safetensors", "x", FileError, "Expected"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(error, match=says):
            part_of(tmp_path / name)
    with pytest.raises(FileError, match="check the name"):
        part_of(tmp_path / "missing.json")


def test_evidence_takes_no_file_but_pictures_beside_it(tmp_path):
    (tmp_path / "secret.svg").write_text("password")
    (tmp_path / "evidence.md").write_text("# Evidence on m\n\n![x](../secret.svg)\n\n![y](/etc/passwd)\n")
    assert [type(block) for block in part_of(tmp_path).blocks] == [Words, Words]
    (tmp_path / "evidence.md").write_text("# Evidence on m\n\n![x](secret.svg)\n")
    with pytest.raises(FileError, match="Expected an SVG picture"):
        part_of(tmp_path)
