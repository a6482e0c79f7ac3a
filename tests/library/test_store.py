"""The library keeps what it is given, whoever else is at work in the folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from playground.errors import FileError
from playground.library import named_files
from playground.library import trash as trash_module
from playground.library.origin import RowNote
from playground.library.store import MAX_NAME, Store
from playground.library.vector_set import load, save
from playground.places import SHIPPED_VECTORS

BAD_NAMES = [
    "", ".", "..", "../up", "a/b", "a\\b", "/etc/passwd", ".hidden", "-dash", " space", "space ", "dot.", "a,b", "a#b",
    "a@b", "a\nb", "a\0b", "ü", "x" * (MAX_NAME + 1), "a:b", "a*", None, 3,
]  # fmt: skip


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "vectors")


def sentence(caught) -> str:
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_set_that_is_saved_is_listed_and_loaded(store, make_set):
    vector_set = make_set(notes=(RowNote("code", star=True), RowNote(), RowNote(star=True), RowNote()), description="d")
    path = store.save(vector_set, "refusals-power-3-9")
    assert path == store.folder / "refusals-power-3-9.safetensors"
    assert store.names() == ["refusals-power-3-9"]
    (entry,) = store.list()
    assert entry.problem is None
    assert (entry.name, entry.path, entry.method, entry.model) == ("refusals-power-3-9", path, "power", "organism")
    assert (entry.rows, entry.width, entry.source, entry.target, entry.stars) == (4, 6, 3, 9, 2)
    assert (entry.prompt_set, entry.created, entry.description) == ("refusals", "2026-11-20T10:15:00+00:00", "d")
    assert (entry.fingerprint, entry.size) == ("5f0c", path.stat().st_size)
    loaded = store.load("refusals-power-3-9")
    assert loaded.name == "refusals-power-3-9"
    assert torch.equal(loaded.vectors, vector_set.vectors)


def test_a_folder_that_is_not_there_holds_no_sets(store):
    assert store.names() == []
    assert store.list() == []
    with pytest.raises(FileError, match="no sets yet"):
        store.load("code")
    assert not store.folder.exists()


def test_the_environment_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PLAYGROUND_VECTORS", str(tmp_path))
    assert Store().folder == tmp_path
    monkeypatch.delenv("PLAYGROUND_VECTORS")
    assert Store().folder == SHIPPED_VECTORS


def test_names_are_in_order_of_the_alphabet_and_other_files_are_left_out(store, make_set):
    for name in ("b", "A", "c 2", "a-1"):
        store.save(make_set(), name)
    (store.folder / "FORMAT.md").write_text("text")
    (store.folder / ".hidden.safetensors").write_text("text")
    assert store.names() == ["A", "a-1", "b", "c 2"]


def test_damaged_files_are_listed_with_their_problem_and_can_be_deleted(store, make_set):
    good = store.save(make_set(), "good")
    (store.folder / "cut.safetensors").write_bytes(good.read_bytes()[:-1])
    (store.folder / "long.safetensors").write_bytes(good.read_bytes() + b"more")
    (store.folder / "text.safetensors").write_text("hello")
    (store.folder / "a,b.safetensors").write_bytes(good.read_bytes())
    (store.folder / "gone.safetensors").symlink_to(store.folder / "nowhere")
    problems = {entry.name: entry.problem for entry in store.list()}
    assert problems.pop("good") is None
    assert set(problems) == {"cut", "long", "text", "a,b", "gone"}
    assert all(problem.startswith("Expected ") for problem in problems.values())
    store.delete("cut")
    assert "cut" not in store.names()


def test_listing_reads_headers_only(store, make_set, monkeypatch):
    for name in ("code", "plan"):
        store.save(make_set(), name)
    # What reads tensors is taken away.
    monkeypatch.setattr("playground.library.vector_set.safetensors.deserialize", None)
    monkeypatch.setattr(Path, "read_bytes", None)
    assert [entry.problem for entry in store.list()] == [None, None]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_leave_the_folder_or_break_a_recipe_are_refused_everywhere(store, make_set, name):
    store.save(make_set(), "good")
    for use in (
        lambda: store.save(make_set(), name),
        lambda: store.load(name),
        lambda: store.rename("good", name),
        lambda: store.rename(name, "other"),
        lambda: store.delete(name),
        lambda: store.annotate(name, 0, RowNote()),
        lambda: store.describe(name, ""),
    ):
        with pytest.raises(FileError, match="Expected a name") as caught:
            use()
        sentence(caught)
    assert store.names() == ["good"]


def test_an_unknown_name_is_told_what_there_is(store, make_set):
    for number in range(7):
        store.save(make_set(), f"set-{number}")
    with pytest.raises(FileError, match="set-0, set-1, set-2, set-3, set-4 and 2 more"):
        store.load("code")


def test_a_taken_name_is_refused_unless_it_is_to_be_overwritten(store, make_set):
    store.save(make_set(draw=1), "code")
    with pytest.raises(FileError, match="taken.*'code-2'") as caught:
        store.save(make_set(draw=2), "code")
    sentence(caught)
    assert torch.equal(store.load("code").vectors, make_set(draw=1).vectors)
    store.save(make_set(draw=2), "code", overwrite=True)
    assert torch.equal(store.load("code").vectors, make_set(draw=2).vectors)


def test_rename_moves_the_file_and_never_onto_another(store, make_set):
    store.save(make_set(draw=1), "code")
    store.save(make_set(draw=2), "plan")
    assert store.rename("code", "Code 2").name == "Code 2.safetensors"
    assert store.rename("plan", "plan").name == "plan.safetensors"
    with pytest.raises(FileError, match="taken"):
        store.rename("plan", "Code 2")
    with pytest.raises(FileError, match="not there"):
        store.rename("code", "other")
    assert store.names() == ["Code 2", "plan"]
    assert torch.equal(store.load("plan").vectors, make_set(draw=2).vectors)


def test_annotate_and_describe_change_that_and_nothing_else(store, make_set):
    store.save(make_set(singular_values=torch.ones(4), extra={"colour": 1}), "code")
    store.annotate("code", 2, RowNote("code", star=True, note="n"))
    now = store.describe("code", "what it does")
    again = store.load("code")
    assert again.notes == now.notes == (RowNote(), RowNote(), RowNote("code", True, "n"), RowNote())
    assert again.description == "what it does"
    assert again.origin == make_set(extra={"colour": 1}).origin
    assert torch.equal(again.vectors, make_set().vectors)
    assert torch.equal(again.singular_values, torch.ones(4))


def test_a_row_that_is_not_there_and_a_text_without_end_are_refused(store, make_set):
    path = store.save(make_set(), "code")
    before = path.read_bytes()
    for use in (
        lambda: store.annotate("code", 4, RowNote()),
        lambda: store.annotate("code", -1, RowNote()),
        lambda: store.describe("code", "x" * 10_001),
        lambda: store.describe("code", None),
    ):
        with pytest.raises(FileError):
            use()
    assert path.read_bytes() == before


def test_notes_of_many_visitors_at_once_are_all_kept(store, make_set, monkeypatch):
    monkeypatch.setattr(named_files, "LOCK_SECONDS", 120.0)  # a busy machine is not what is tested
    rows = 24
    store.save(make_set(rows), "code")
    ready = threading.Barrier(rows)

    def visit(row: int) -> None:
        ready.wait()
        # A store of its own a thread: what two processes have.
        Store(store.folder).annotate("code", row, RowNote(f"row {row}"))

    threads = [threading.Thread(target=visit, args=(row,)) for row in range(rows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [note.label for note in store.load("code").notes] == [f"row {row}" for row in range(rows)]


def test_one_of_many_visitors_gets_a_new_name(store, make_set, monkeypatch):
    monkeypatch.setattr(named_files, "LOCK_SECONDS", 120.0)  # a busy machine is not what is tested
    ready = threading.Barrier(6)
    outcomes = []

    def visit() -> None:
        ready.wait()
        try:
            outcomes.append(Store(store.folder).save(make_set(), "code"))
        except FileError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=visit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, FileError) for outcome in outcomes) == 5


def test_a_program_that_holds_the_folder_is_waited_for_and_then_named(store, make_set, monkeypatch):
    store.save(make_set(), "code")
    monkeypatch.setattr(named_files, "LOCK_SECONDS", 0.05)
    with FileLock(store.folder / ".trash" / "lock"):
        with pytest.raises(FileError, match="another program") as caught:
            store.delete("code")
        sentence(caught)
        assert store.load("code").rows == 4


def test_what_was_deleted_comes_back(store, make_set):
    store.save(make_set(draw=1), "v1.2 a.b")
    token = store.delete("v1.2 a.b")
    assert store.names() == []
    assert store.undo_delete(token) == "v1.2 a.b"
    assert torch.equal(store.load("v1.2 a.b").vectors, make_set(draw=1).vectors)
    with pytest.raises(FileError, match="does not hold"):
        store.undo_delete(token)


def test_a_set_whose_name_was_taken_since_comes_back_under_another(store, make_set):
    store.save(make_set(draw=1), "code")
    token = store.delete("code")
    store.save(make_set(draw=2), "code")
    assert store.undo_delete(token) == "code-2"
    assert torch.equal(store.load("code").vectors, make_set(draw=2).vectors)
    assert torch.equal(store.load("code-2").vectors, make_set(draw=1).vectors)


@pytest.mark.parametrize("token", ["", "*", "../code", "1234567890-" + "0" * 16, "1700000000-*", None, "lock"])
def test_a_token_that_was_never_given_brings_nothing_back(store, make_set, token):
    store.save(make_set(), "code")
    store.delete("code")
    with pytest.raises(FileError, match="does not hold") as caught:
        store.undo_delete(token)
    sentence(caught)


def test_the_trash_forgets_what_is_old_and_what_is_too_much(store, make_set, monkeypatch):
    clock = [1_700_000_000.0]
    monkeypatch.setattr(trash_module.time, "time", lambda: clock[0])
    monkeypatch.setattr(trash_module, "KEEP_FILES", 3)
    tokens = []
    for _ in range(5):
        store.save(make_set(), "code")
        tokens.append(store.delete("code"))
        clock[0] += 60
    for token in tokens[:2]:
        with pytest.raises(FileError):
            store.undo_delete(token)
    assert store.undo_delete(tokens[2]) == "code"
    clock[0] += 8 * 86_400
    last = store.delete("code")
    for token in tokens[3:]:
        with pytest.raises(FileError):
            store.undo_delete(token)
    assert store.undo_delete(last) == "code"


def test_the_trash_leaves_files_of_others_alone(store, make_set):
    store.save(make_set(), "code")
    (store.folder / ".trash" / "mine.txt").write_text("keep")
    store.delete("code")
    assert (store.folder / ".trash" / "mine.txt").exists()


@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("code", "code-3"), ("CODE", "CODE-3"), ("new", "new"), ("code.safetensors", "code-3"), ("../../etc", "etc"),
        ("Être, #1@2", "tre- -1-2"), ("", "set"), ("日本", "set"), ("x" * 200, "x" * (MAX_NAME - 5)), ("a.", "a"),
    ],
)  # fmt: skip
def test_free_name_gives_a_name_that_can_be_saved_under(store, make_set, name, free):
    store.save(make_set(), "code")
    store.save(make_set(), "code-2")
    assert store.free_name(name) == free
    store.save(make_set(), free)


def test_a_source_is_a_name_first_and_a_path_with_or_without_suffix_second(store, make_set, tmp_path, monkeypatch):
    store.save(make_set(draw=1), "code")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    save(make_set(draw=2), elsewhere / "code.safetensors")
    save(make_set(draw=3), elsewhere / "a@b#c.safetensors")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(tmp_path))
    drawn = {draw: make_set(draw=draw).vectors for draw in (1, 2, 3)}
    for source, draw in (
        ("code", 1),
        ("code.safetensors", 1),
        ("./code", 2),
        (str(elsewhere / "code"), 2),
        (str(elsewhere / "code.safetensors"), 2),
        ("~/else where/code", 2),
        ("a@b#c", 3),
    ):
        assert torch.equal(load(store.path_of(source)).vectors, drawn[draw])


@pytest.mark.parametrize(
    "source", ["", ".", "/", "none", "none/at/all", "nul\0byte", "x" * 5000, "..", "/tmp", "~nobody-here/x"]
)
def test_a_source_that_is_neither_name_nor_file_is_refused(store, source):
    with pytest.raises(FileError, match="neither") as caught:
        store.path_of(source)
    assert len(sentence(caught)) < 400


def test_a_folder_that_cannot_be_written_to_gets_a_sentence(store, make_set, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match="PLAYGROUND_VECTORS"):
        Store(tmp_path / "file" / "vectors").save(make_set(), "code")
    with pytest.raises(FileError, match="PLAYGROUND_VECTORS"):
        Store(tmp_path / "file").names()
    store.save(make_set(), "code")

    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    # Root writes through modes, so that a read-only disk is played here.
    for call in ("rename", "replace"):
        monkeypatch.setattr(os, call, read_only)
    for use in (
        lambda: store.save(make_set(), "other"),
        lambda: store.rename("code", "other"),
        lambda: store.delete("code"),
        lambda: store.describe("code", "d"),
    ):
        with pytest.raises(FileError, match="read-only file system.*PLAYGROUND_VECTORS") as caught:
            use()
        sentence(caught)
    assert store.names() == ["code"]
