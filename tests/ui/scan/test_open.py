"""A saved scan comes back as it was after its run; its vectors are found wherever they are kept now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch

from playground.errors import FileError, InputError
from playground.library.origin import RowNote, now
from playground.library.store import Store
from playground.library.vector_set import Origin, VectorSet, vectors_hash
from playground.services.scan import Cell, Group, ScanRequest, ScanResult, file
from playground.services.session import Workbench
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.scan import layout as scan_layout
from playground.ui.scan import tab as scan
from playground.ui.scan.layout import ScanTab
from playground.ui.scan.notes import name_now, note
from playground.ui.scan.open import open_scan
from playground.ui.scan.state import ScanState
from playground.ui.scan.view import ScanView

NOTES = (RowNote(label="code", star=True), RowNote())


def vector_set(size: float = 1.0) -> VectorSet:
    origin = Origin(model="tiny", width=4, block_count=4, source=1, method="melbo", residual_norm=14.0, created=now())
    return VectorSet(size * torch.eye(4)[:2], origin)


def made(source: str = "a", **changes: object) -> ScanResult:
    base = Cell("", None, 1, 0.0, 0.0, 0, 0, "I can't.", (1,), True, 0.0, 0.0, 1.5, False, 0.0)
    cells = tuple(
        Cell(f"a#{row}@4.2", row, 1, 0.3, 4.2, 0, 0, f"text {row}", (1,), True, 1.0, 0.0, 2.0, False, 1.0)
        for row in (0, 1)
    )
    result = ScanResult(
        request=ScanRequest(source=source, signs=(1,), scales=(0.3,), prompts=("Why?",)), model="tiny",
        fingerprint="0", dtype="float32", layer=1, residual_norm=14.0, set_hash=vectors_hash(vector_set()),
        planned=2, warnings=(), versions={}, created=now(), baselines=(base,), cells=cells,
        groups=(Group("text", (0, 1)),),
    )  # fmt: skip
    return replace(result, **changes)


@pytest.fixture
def frame(tmp_path: Path) -> Iterator[Frame]:
    """Without a model: a scan can be read on any machine."""
    workbench = Workbench(store=Store(tmp_path / "vectors"))
    yield Frame(workbench)
    workbench.close()


@pytest.fixture
def tab(frame: Frame) -> ScanTab:
    with gr.Blocks():
        return scan_layout.build(frame)


def saved(tmp_path: Path, result: ScanResult) -> str:
    file.save(result, tmp_path / "scan.json", NOTES)
    return str(tmp_path / "scan.json")


def test_it_is_shown_whole_and_stars_go_to_its_set(frame: Frame, tab: ScanTab, tmp_path: Path) -> None:
    frame.workbench.store.save(vector_set(), "a")
    visitor = Visitor("somebody")
    shown = open_scan(frame, tab, visitor, saved(tmp_path, made()), ScanView(group_alike=False))
    assert shown[tab.table].count('<tr class="sp-cell') == 2
    assert "disabled" not in shown[tab.table]
    assert "2 texts · 1 group · 0 noise" in shown[tab.progress]
    assert shown[tab.group]["choices"][1] == ("text · 2", "0")
    assert file.load(Path(shown[tab.json]["value"])).cells == made().cells
    note(frame, visitor, {"act": "star", "row": "1", "value": "true"})
    assert frame.workbench.store.load("a").notes[1].star


@pytest.mark.parametrize("source", ["a", NOT_SAVED, "/somewhere/else/a.safetensors"])
def test_a_set_that_has_another_name_by_now_is_found(frame: Frame, tab: ScanTab, tmp_path: Path, source: str) -> None:
    frame.workbench.store.save(vector_set(2.0), "a")
    frame.workbench.store.save(vector_set(), "b")
    visitor = Visitor("somebody")
    open_scan(frame, tab, visitor, saved(tmp_path, made(source)), ScanView())
    assert name_now(frame, visitor) == "b"


def test_without_its_set_the_notes_of_the_file_are_shown_and_stay(frame: Frame, tab: ScanTab, tmp_path: Path) -> None:
    frame.workbench.store.save(vector_set(2.0), "a")
    visitor = Visitor("somebody")
    shown = open_scan(frame, tab, visitor, saved(tmp_path, made()), ScanView(starred_only=True))
    assert 'value="code"' in shown[tab.table]
    assert shown[tab.table].count('<tr class="sp-cell') == 1
    assert 'data-act="star" data-row="0" aria-pressed="true" aria-label="Star vector 0" disabled' in shown[tab.table]
    assert "Its vectors are not in the library" in shown[tab.notice]
    with pytest.raises(FileError, match="Expected the vectors that were scanned, got others under the name a"):
        scan._open(frame, visitor, {"act": "steer", "cell": "0"})
    assert json.loads(Path(shown[tab.json]["value"]).read_text())["notes"]["0"]["label"] == "code"


def test_a_scan_of_a_model_that_is_not_loaded_says_so(frame: Frame, tab: ScanTab, tmp_path: Path) -> None:
    shown = open_scan(frame, tab, Visitor("somebody"), saved(tmp_path, made()), ScanView())
    assert "This scan was made on tiny; now no model is loaded" in shown[tab.notice]
    assert "Load tiny to get the command" in shown[tab.repeat]


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"kind": "measurement", "format_version": 1}'])
def test_another_file_is_refused_and_what_is_shown_stays(frame: Frame, tab: ScanTab, tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    visitor = Visitor("somebody", slices={ScanState: ScanState(result=made(), first=30)})
    for path in (str(tmp_path / "other.json"), None):
        with pytest.raises(FileError):
            open_scan(frame, tab, visitor, path, ScanView())
    assert (ScanState.of(visitor).result.cells, ScanState.of(visitor).first) == (made().cells, 30)


def test_nothing_is_opened_over_a_scan_that_is_under_way(frame: Frame, tab: ScanTab, tmp_path: Path) -> None:
    visitor = Visitor("somebody", slices={ScanState: ScanState(result=made(), scanning=True)})
    with pytest.raises(InputError, match="press Stop"):
        open_scan(frame, tab, visitor, saved(tmp_path, made("b")), ScanView())
    assert ScanState.of(visitor).result.request.source == "a"


def test_a_file_cannot_name_where_its_download_is_written(frame: Frame, tab: ScanTab, tmp_path: Path) -> None:
    shown = open_scan(frame, tab, Visitor("somebody"), saved(tmp_path, made("../../outside")), ScanView())
    assert Path(shown[tab.json]["value"]).name == "scan.json"
