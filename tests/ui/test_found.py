"""What was found, on its way to the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from playground.library import vector_set as files
from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet
from playground.ui.found import write_download
from playground.ui.state import Visitor


@pytest.fixture
def small() -> VectorSet:
    origin = Origin(
        model="organism", width=4, block_count=12, source=3, method="random", residual_norm=1.0, created=now()
    )
    return VectorSet(torch.eye(4)[:2], origin, name="small")


@pytest.mark.parametrize("session", ["abc", "../../../../up", "/tmp/escaped", "a/b", "nul\0", "\ud800", "x" * 5000])
def test_whatever_a_session_calls_itself_its_download_stays_in_its_folder(small: VectorSet, session: str) -> None:
    path, other = Path(write_download(Visitor(session), small)), Path(write_download(Visitor("another"), small))
    assert path.name == other.name == "small.safetensors"
    assert path.parent != other.parent
    assert path.parent.parent == other.parent.parent
    assert ".." not in path.parts
    assert files.load(path).rows == 2
