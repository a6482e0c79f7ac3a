"""vectors/FORMAT.md says what the code does: its example loads, and its tables name every field there is."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from playground.errors import FileError
from playground.library import header, origin, store, strict_json, text
from playground.library.header import DOCUMENT_KEY, FORMAT_VERSION
from playground.library.origin import RESERVED, Origin, RowNote
from playground.library.prompts import content_hash
from playground.library.recipe import parse, resolve
from playground.library.vector_set import VectorSet, load, save

PAGE = (Path(__file__).resolve().parents[2] / "vectors" / "FORMAT.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]


def table(heading: str) -> dict[str, list[str]]:
    """The first table after a line: name → its other cells."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name.strip("`")] = cells
    return rows


HEADER, NOTES, TENSORS = table("## Header"), table("An entry of `notes`"), table("## Tensors")
MINIMAL = {
    "format_version": 2, "model": "m", "width": 4, "block_count": 2, "source": 1, "method": "x", "residual_norm": 1,
    "created": "2026-11-20T10:15:00Z",
}  # fmt: skip


@pytest.fixture
def by_hand(tmp_path, monkeypatch) -> VectorSet:
    """The set that the page's example writes, in a process that knows safetensors and nothing of ours."""
    monkeypatch.chdir(tmp_path)
    assert "playground" not in EXAMPLE.replace("steering_playground", "")
    exec(compile(EXAMPLE, "vectors/FORMAT.md", "exec"), {})
    return load("by-hand.safetensors")


def test_the_example_of_the_page_loads(by_hand):
    assert (by_hand.name, by_hand.rows, by_hand.origin.model, by_hand.origin.source) == ("by-hand", 2, "organism", 3)
    assert by_hand.notes == (RowNote("left", star=True), RowNote())
    assert by_hand.origin.prompt_hash == content_hash(by_hand.origin.prompts)


def test_the_example_is_applied_as_the_page_says(by_hand):
    (push,) = resolve(parse("by-hand#1@2"), lambda _: by_hand)
    assert push.layer == 3
    torch.testing.assert_close(push.vector, torch.tensor([0.0, 1.2, 1.6, 0.0]))


def test_the_header_table_names_every_field_and_no_other():
    assert set(HEADER) == RESERVED


def test_the_table_of_notes_names_every_field_and_no_other():
    assert set(NOTES) == {item.name for item in fields(RowNote)}


def test_the_table_of_tensors_names_every_tensor_and_no_other():
    tensors = {item.name for item in fields(VectorSet) if item.type in ("Tensor", "Tensor | None")}
    assert set(TENSORS) == tensors
    assert {"vectors", "singular_values", "base"} < tensors


def test_a_file_of_ours_has_every_field_of_the_tables(make_set, tmp_path):
    tensors = tensors_of_the_page()
    save(replace(make_set(), **tensors), tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", framework="pt") as file:
        document = json.loads(file.metadata()[DOCUMENT_KEY])
        assert set(file.keys()) == set(TENSORS)
    assert set(document) == set(HEADER)
    assert set(document["notes"][0]) == set(NOTES)
    assert document["format_version"] == FORMAT_VERSION


def tensors_of_the_page(rows: int = 4, width: int = 6) -> dict[str, torch.Tensor]:
    """Every optional tensor, in the shape that the table gives it."""
    sizes = {"(k,)": (rows,), "(k, 2)": (rows, 2), "(d,)": (width,)}
    return {
        name: torch.rand(sizes[cells[0]], generator=torch.Generator().manual_seed(len(name)))
        for name, cells in TENSORS.items()
        if name != "vectors"
    }


def test_every_tensor_of_the_page_survives_the_file_and_another_shape_is_refused(make_set, tmp_path):
    tensors = tensors_of_the_page()
    save(replace(make_set(), **tensors), tmp_path / "x.safetensors")
    read = load(tmp_path / "x.safetensors")
    for name, values in tensors.items():
        assert torch.equal(getattr(read, name), values)
        with pytest.raises(FileError, match=f"`{name}`"):
            replace(read, **{name: values[:-1]})
        with pytest.raises(FileError, match=f"`{name}`.*NaN"):
            replace(read, **{name: values * torch.nan})


def write(tmp_path, document: dict) -> Path:
    path = tmp_path / "x.safetensors"
    save_file({"vectors": torch.ones(2, 4)}, path, metadata={DOCUMENT_KEY: json.dumps(document)})
    return path


def test_the_required_fields_of_the_page_are_enough_and_each_is_needed(tmp_path):
    required = {name for name, cells in HEADER.items() if cells[1] == "MUST be there"}
    assert required == set(MINIMAL)
    assert load(write(tmp_path, MINIMAL)).rows == 2
    for name in required:
        with pytest.raises(FileError):
            load(write(tmp_path, {key: value for key, value in MINIMAL.items() if key != name}))


def test_absent_fields_mean_what_the_page_says(tmp_path):
    read = load(write(tmp_path, MINIMAL))
    for name, cells in HEADER.items():
        if name in ("notes", "description") or cells[1] == "MUST be there":
            continue
        meant = json.loads(cells[1].strip("`"))
        got = getattr(read.origin, name)
        assert (list(got) if name == "prompts" else got) == meant, name
    assert (read.description, read.notes) == ("", (RowNote(), RowNote()))
    for item in fields(RowNote):
        assert item.default == json.loads(NOTES[item.name][1].strip("`"))


def test_required_fields_of_the_page_are_those_without_default_in_the_code():
    required = {item.name for item in fields(Origin) if item.default is MISSING and item.default_factory is MISSING}
    assert required == set(MINIMAL) - {"format_version"}


def test_limits_of_the_page_are_those_of_the_code():
    assert f"at most {header.MAX_HEADER_BYTES >> 20} MiB" in PAGE
    assert f"at most {strict_json.MAX_DEPTH} levels" in PAGE
    assert f"at most {origin.MAX_LABEL} characters" in PAGE
    assert f"at most {origin.MAX_NOTE:,} characters" in PAGE
    assert f"at most {text.MAX_TEXT:,} characters" in PAGE
    assert f"1 to {store.MAX_NAME} ASCII" in PAGE


def test_an_unknown_field_is_kept_when_a_set_is_written_again(tmp_path):
    path = write(tmp_path, {**MINIMAL, "later": {"a": [1, None]}, "notes": [{"label": "a", "later": 1}, {}]})
    vector_set = load(path)
    save(vector_set.with_note(1, RowNote("b")), path)
    again = load(path)
    assert again.origin.extra == {"later": {"a": [1, None]}}
    assert [note.label for note in again.notes] == ["a", "b"]


def test_methods_that_this_version_does_not_know_are_accepted(tmp_path):
    assert load(write(tmp_path, {**MINIMAL, "method": "something new"})).origin.method == "something new"
