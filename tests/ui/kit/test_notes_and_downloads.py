"""Download files, and notes whose events arrive out of order."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from playground.library import vector_set as files
from playground.library.origin import Origin, now
from playground.library.store import Store
from playground.library.vector_set import VectorSet
from playground.services.session import Workbench
from playground.ui.kit.downloads import download
from playground.ui.kit.frame import Frame
from playground.ui.kit.notes import keep_note
from playground.ui.kit.visitor import Visitor


@pytest.fixture
def small() -> VectorSet:
    origin = Origin(
        model="organism", width=4, block_count=12, source=3, method="random", residual_norm=1.0, created=now()
    )
    return VectorSet(torch.eye(4)[:2], origin, name="small")


@pytest.mark.parametrize("session", ["abc", "../../../../up", "/tmp/escaped", "a/b", "nul\0", "\ud800", "x" * 5000])
def test_whatever_a_session_calls_itself_its_download_stays_in_its_folder(small: VectorSet, session: str) -> None:
    path, other = (
        Path(download(visitor, small)["value"]) for visitor in (Visitor(session), Visitor("another"))
    )
    assert path.name == other.name == "small.safetensors"
    assert path.parent != other.parent
    assert path.parent.parent == other.parent.parent
    assert ".." not in path.parts
    assert files.load(path).rows == 2


def test_a_stale_event_about_a_row_changes_nothing(small: VectorSet, tmp_path) -> None:
    workbench = Workbench(store=Store(tmp_path))
    workbench.store.save(small, "small")
    frame, visitor = Frame(workbench), Visitor("a")

    def noted(value: str, number: str, row: int = 0, act: str = "star", by: Visitor = visitor) -> VectorSet:
        return keep_note(frame, by, "small", row, {"act": act, "value": value, "sequence": number})

    try:
        assert not noted("false", "7").notes[0].star
        assert not noted("true", "6").notes[0].star  # was clicked first
        assert noted("code", "5", act="label").notes[0].label == "code"  # about something else
        assert noted("true", "4", row=1).notes[1].star
        assert noted("true", "8").notes[0].star
        assert not noted("false", "1", by=Visitor("b")).notes[0].star
    finally:
        workbench.close()
