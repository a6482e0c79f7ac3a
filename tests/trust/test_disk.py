"""Folders that are full, cannot be written to, or hold what a killed process left; clocks that jump."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from playground.cli.main import main
from playground.cli.outcome import check_out
from playground.errors import FileError, InputError
from playground.library import atomic, trash, vector_set
from playground.library.atomic import write_atomically
from playground.library.store import Store
from playground.library.vector_set import VectorSet, to_bytes
from playground.services.find import find, find_request
from playground.ui.kit import downloads
from playground.ui.kit.visitor import Visitor

PROMPT = "Does it help?"
POSIX = pytest.mark.skipif(os.name != "posix", reason="errors of POSIX")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def full(monkeypatch):
    """Let whatever is written into a folder, and none elsewhere, fail for lack of space."""
    real = os.replace

    def arrange(folder: Path) -> None:
        def replace(source, target):
            if Path(target).parent == folder:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(source, target)

        monkeypatch.setattr(os, "replace", replace)

    return arrange


@pytest.fixture
def found(tiny) -> VectorSet:
    return find(tiny("qwen3"), find_request("power", prompts=(PROMPT,), source=0, target=2, vectors=2)).vector_set


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.tmp")]


def test_a_disk_that_is_full_keeps_what_was_there_and_the_sentence_says_to_free_some_space(small_disk):
    path = small_disk / "x"
    write_atomically(path, b"before")
    with pytest.raises(FileError, match=r"^Expected to write .*/x, got “no space left on device”; free some space"):
        write_atomically(path, b"x" * 2**21)
    assert path.read_bytes() == b"before"
    assert hidden(small_disk) == []


def test_a_set_that_found_no_room_is_saved_once_there_is_some(small_disk, found):
    store = Store(small_disk / "vectors")
    store.save(found, "first")
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * shutil.disk_usage(small_disk).free)
    with pytest.raises(FileError, match="free some space"):
        store.save(found, "second")
    assert store.names() == ["first"]
    filler.unlink()
    store.save(found, "second")
    assert store.load("second").rows == 2


def test_a_folder_that_is_read_only_is_refused_in_a_sentence_and_can_be_read(small_disk, found):
    store = Store(small_disk)
    store.save(found, "there")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (
        lambda: store.save(found, "new"), lambda: store.delete("there"), lambda: store.rename("there", "new"),
        lambda: store.describe("there", "text"), lambda: write_atomically(small_disk / "x", b""),
    ):  # fmt: skip
        with pytest.raises(FileError, match=r"got “read-only file system”; .*PLAYGROUND_VECTORS to a folder that can"):
            attempt()
    assert store.load("there").rows == 2
    with pytest.raises(InputError, match="can be written to"):
        check_out(small_disk / "x.safetensors", "x.safetensors")


@POSIX
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_every_step_of_a_write_may_find_the_disk_full(tmp_path, monkeypatch, call):
    path = tmp_path / "x"
    write_atomically(path, b"before")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match="free some space"):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert hidden(tmp_path) == []


@POSIX
def test_a_path_below_a_file_is_a_sentence(tmp_path, found):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="choose another place"):
        vector_set.save(found, tmp_path / "file" / "x.safetensors")
    with pytest.raises(FileError, match="set PLAYGROUND_VECTORS"):
        Store(tmp_path / "file").save(found, "x")


def test_what_a_killed_process_left_is_removed_later_and_nothing_else(tmp_path):
    names = (f".{'a' * 16}.tmp", f".{'b' * 16}.tmp", ".other.tmp", f"{'a' * 16}.tmp")
    old = time.time() - 2 * atomic.LEFT_SECONDS
    for name in names:
        (tmp_path / name).write_bytes(b"half")
        if not name.startswith(".b"):
            os.utime(tmp_path / name, (old, old))
    write_atomically(tmp_path / "x", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], "x"])


def test_a_full_disk_is_told_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 0}))
    with pytest.raises(InputError, match="free some space, or choose another"):
        check_out(tmp_path / "x.safetensors", "x.safetensors")


def rescued(capsys) -> Path:
    """The file that the sentence on standard error names."""
    said = capsys.readouterr()
    assert said.out == ""
    match = re.search(r"no space left on device”; the result is in (\S+), move it where there is room\.$", said.err)
    assert match, said.err
    return Path(match[1])


@POSIX
@pytest.mark.parametrize("command", ["find", "scan", "measure", "calibrate"])
def test_a_result_that_cannot_be_written_is_kept_elsewhere(command, tiny_path, tmp_path, full, found, capsys):
    folder = tmp_path / "out"
    folder.mkdir()
    sets, asked = tmp_path / "x.safetensors", tmp_path / "choices.json"
    vector_set.save(found, sets)
    item = {"question": PROMPT, "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
    asked.write_text(json.dumps([item, item | {"question": "Is it blue?"}]))
    words = {
        "find": ("power", "--prompt", PROMPT, "--source", 0, "--target", 2, "--vectors", 2, "--out", "y.safetensors"),
        "scan": ("--vectors", sets, "--prompt", PROMPT, "--scales", "1", "--unit", "a", "--max-new-tokens", 2,
                 "--out", "y.json"),
        "measure": ("--choices", asked, "--vectors", sets, "--scales", "1", "--unit", "a", "--out", "y.json"),
        "calibrate": ("--vectors", sets, "--rows", "0", "--out", "y.safetensors"),
    }[command]  # fmt: skip
    full(folder)
    *first, name = words
    assert main([command, *map(str, first), str(folder / name), "--model", str(tiny_path("qwen3")), "--json"]) == 2
    kept = rescued(capsys)
    assert list(folder.iterdir()) == []
    if kept.suffix == ".json":
        json.loads(kept.read_text())
    else:
        assert vector_set.load(kept).rows == 2


def test_a_folder_of_downloads_that_is_gone_or_full_is_no_failure_of_what_was_computed(found, monkeypatch, full):
    visitor = Visitor("somebody")
    visitor.keep_found(found)
    path = Path(downloads.download(visitor, visitor.computed)["value"])
    full(path.parent)
    assert downloads.download(visitor, visitor.computed)["interactive"] is False
    monkeypatch.undo()
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert Path(downloads.download(visitor, visitor.computed)["value"]).read_bytes() == to_bytes(found)


@pytest.mark.parametrize("jump", [-20 * 365 * 86_400, -86_400, 86_400])
def test_what_is_deleted_comes_back_when_the_clock_jumps(tmp_path, found, monkeypatch, jump):
    monkeypatch.setattr(trash, "KEEP_FILES", 2)
    store, now = Store(tmp_path), time.time()
    for number in range(3):
        store.save(found, f"old-{number}")
        store.delete(f"old-{number}")
    monkeypatch.setattr(time, "time", lambda: now + jump)
    store.save(found, "mine")
    token = store.delete("mine")
    monkeypatch.setattr(time, "time", lambda: now)
    assert store.undo_delete(token) == "mine"


def test_durations_are_measured_by_a_clock_that_cannot_jump():
    package = Path(trash.__file__).parents[1]
    users = {path.name for path in package.rglob("*.py") if re.search(r"\btime\.time\(", path.read_text())}
    assert users == {"trash.py"}  # which asks for a date
