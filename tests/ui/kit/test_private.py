"""On a public page every visitor has a library of their own over the shared one, which nobody changes."""

from __future__ import annotations

import pytest
import torch

from playground.errors import FileError
from playground.library.origin import Origin
from playground.library.store import Store
from playground.library.vector_set import VectorSet
from playground.ui.kit.private import GRACE, PrivateLibraries
from playground.ui.kit.visitor import Visitor


@pytest.fixture
def a_set():
    origin = Origin(
        model="organism", revision=None, fingerprint="5f0c", width=6, block_count=12, source=3, target=9,
        target_tokens=2, method="power", parameters={}, seed=0, prompts=("How?",), prompt_set=None,
        prompt_hash="ab" * 32, chat=True, system=None, residual_norm=1.0, converged=True, seconds=0.1, versions={},
        created="2026-11-20T10:15:00+00:00",
    )
    return VectorSet(torch.eye(6)[:3], origin)


@pytest.fixture
def shared(tmp_path, a_set):
    Store(tmp_path).save(a_set, "shipped")
    return tmp_path


def test_what_one_keeps_no_other_sees_and_the_shared_folder_stays_as_it_was(shared, a_set):
    libraries, before = PrivateLibraries(shared), sorted(shared.iterdir())
    mine, yours = (libraries.of(Visitor(name, f"browser {name}")).sets for name in "ab")
    mine.save(a_set, "own")
    assert mine.names() == ["own", "shipped"]
    assert yours.names() == ["shipped"]
    with pytest.raises(FileError, match="not there"):
        yours.load("own")
    assert sorted(shared.iterdir()) == before


@pytest.mark.parametrize("change", [lambda store: store.delete("shipped"), lambda store: store.rename("shipped", "x")])
def test_a_shared_set_is_neither_deleted_nor_renamed(shared, change):
    with pytest.raises(FileError, match="the same for everyone here"):
        change(PrivateLibraries(shared).of(Visitor("a")).sets)


def test_a_note_on_a_shared_set_is_kept_in_a_copy_of_the_visitors_own(shared, a_set):
    libraries = PrivateLibraries(shared)
    mine = libraries.of(Visitor("a")).sets
    mine.describe("shipped", "mine")
    assert mine.load("shipped").description == "mine"
    assert mine.names() == ["shipped"]
    assert Store(shared).load("shipped").description == a_set.description
    mine.delete("shipped")  # the copy; the shared one is seen again
    assert mine.load("shipped").description == a_set.description
    assert mine.undo() != "shipped"


def test_a_shared_name_cannot_be_taken(shared, a_set):
    mine = PrivateLibraries(shared).of(Visitor("a")).sets
    with pytest.raises(FileError, match="which is taken"):
        mine.save(a_set, "shipped")
    mine.save(a_set, "own")
    with pytest.raises(FileError, match="which is taken"):
        mine.rename("own", "shipped")


def test_there_is_only_so_much_room_and_what_was_deleted_makes_some(shared, a_set):
    mine = PrivateLibraries(shared).of(Visitor("a")).sets
    size = (shared / "shipped.safetensors").stat().st_size
    mine.most_bytes = int(2.5 * size)
    mine.save(a_set, "one")
    mine.save(a_set, "two")
    with pytest.raises(FileError, match="Expected room for this set"):
        mine.save(a_set, "three")
    mine.delete("one")
    mine.save(a_set, "three")
    assert mine.names() == ["shipped", "three", "two"]


def test_a_library_outlives_a_reload_and_goes_with_its_visitor(shared, a_set):
    now = [0.0]
    libraries = PrivateLibraries(shared, clock=lambda: now[0])
    first = Visitor("tab", "browser")
    folder = libraries.of(first).sets.folder
    libraries.of(first).sets.save(a_set, "own")
    libraries.leave(first)
    assert "own" in libraries.of(Visitor("tab after a reload", "browser")).sets.names()
    libraries.leave(Visitor("tab after a reload", "browser"))
    now[0] = GRACE + 1
    libraries.of(Visitor("somebody else"))
    assert not folder.exists()
    assert len(libraries) == 1


def test_a_browser_without_a_key_is_known_by_its_session(shared, a_set):
    libraries = PrivateLibraries(shared)
    libraries.of(Visitor("../../etc")).sets.save(a_set, "own")
    assert libraries.of(Visitor("../../etc")).sets.folder.parent == libraries.of(Visitor("b")).sets.folder.parent
    assert libraries.of(Visitor("b")).sets.names() == ["shipped"]
