"""Measurements in a folder: beside the vector sets, and out of their way."""

from __future__ import annotations

import json

import pytest

from playground.analyses.common.measurements import FORMAT, Measurements
from playground.errors import FileError
from playground.library.store import Store

DOCUMENT = {
    "kind": "choices",
    "model": "organism",
    "fingerprint": "5f0c",
    "created": "2026-11-24T02:00:00+00:00",
    "request": {"choices": {"name": "foxes", "hash": "ab"}, "vectors": [{}, {}]},
    "items": [{}, {}, {}],
}


def test_what_is_saved_is_listed_renamed_deleted_and_brought_back(tmp_path):
    store = Measurements(tmp_path)
    assert store.names() == []
    path = store.save(DOCUMENT, "foxes 1")
    assert path == tmp_path / "foxes 1.measure.json"
    assert store.load("foxes 1") == DOCUMENT | {"format": FORMAT, "format_version": 3}
    (entry,) = store.list()
    assert (entry.name, entry.kind, entry.asked, entry.vectors, entry.items) == ("foxes 1", "choices", "foxes", 2, 3)
    assert entry.problem is None
    store.rename("foxes 1", "foxes")
    token = store.delete("foxes")
    assert store.names() == []
    assert store.undo_delete(token) == "foxes"
    assert store.load("foxes")["fingerprint"] == "5f0c"


def test_a_file_of_version_1_is_one_of_choices(tmp_path):
    old = {name: value for name, value in DOCUMENT.items() if name != "kind"}
    text = json.dumps({"format": FORMAT, "format_version": 1} | old)
    (tmp_path / "old.measure.json").write_text(text)
    store = Measurements(tmp_path)
    assert store.load("old") == DOCUMENT | {"format": FORMAT, "format_version": 3}
    assert [(entry.kind, entry.items, entry.problem) for entry in store.list()] == [("choices", 3, None)]


def test_vector_sets_and_measurements_do_not_see_each_other(tmp_path, make_set):
    sets, measured = Store(tmp_path), Measurements(tmp_path)
    sets.save(make_set(), "foxes")
    measured.save(DOCUMENT, "foxes")
    assert sets.names() == measured.names() == ["foxes"]
    token = measured.delete("foxes")
    assert sets.names() == ["foxes"]
    with pytest.raises(FileError, match="^Expected what was deleted lately"):
        sets.undo_delete(token)
    assert measured.undo_delete(token) == "foxes"


def test_a_name_that_is_taken_or_leaves_the_folder_is_refused(tmp_path):
    store = Measurements(tmp_path)
    store.save(DOCUMENT, "foxes")
    with pytest.raises(FileError, match="'foxes', which is taken; choose another one, such as 'foxes-2'"):
        store.save(DOCUMENT, "foxes")
    store.save(DOCUMENT | {"model": "other"}, "foxes", overwrite=True)
    assert store.load("foxes")["model"] == "other"
    with pytest.raises(FileError, match="^Expected a name of 1 to 80 letters"):
        store.save(DOCUMENT, "../foxes")
    with pytest.raises(FileError, match="^Expected a measurement of the library, got 'owls'"):
        store.load("owls")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expected a whole measurement"),
        ("[]", "got another kind of file"),
        (json.dumps({"format": FORMAT, "format_version": 4}), "Expected format version 1 to 3 of a measurement, got 4"),
        (json.dumps({"format": FORMAT, "format_version": 1}), "got one with parts missing"),
        (json.dumps({"format": FORMAT, "format_version": 2, "kind": "exact"}), "got one with parts missing"),
        (
            json.dumps({"format": FORMAT, "format_version": 2, "kind": "atlas"}),
            "Expected a measurement of the kind choices, exact, next-token, replies, got 'atlas'; update",
        ),
        (json.dumps({"format": FORMAT, "format_version": 2}), "exact, next-token, replies, got None"),
        ('{"format": NaN}', "the value NaN, which is not JSON"),
    ],
)
def test_a_damaged_file_is_listed_with_its_problem(tmp_path, text, said):
    (tmp_path / "odd.measure.json").write_text(text)
    (entry,) = Measurements(tmp_path).list()
    assert said in entry.problem
