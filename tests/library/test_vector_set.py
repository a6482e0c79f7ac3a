"""A vector set survives the way through its file, and a file that is no set gets one sentence."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load as plain_load
from safetensors.torch import save as plain_save

from playground.errors import FileError
from playground.library.header import DOCUMENT_KEY, Head, read_head
from playground.library.origin import MAX_LABEL, MAX_NOTE, Origin, RowNote, library_versions, now
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import check_fits, from_bytes, load, save, to_bytes

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
LABEL = TEXT.filter(str.isprintable)


def document_of(data: bytes) -> dict:
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"][DOCUMENT_KEY])


def with_document(data: bytes, document: object) -> bytes:
    text = document if isinstance(document, str) else json.dumps(document)
    return plain_save(plain_load(data), metadata={DOCUMENT_KEY: text})


def refused(data: bytes) -> str:
    """The sentence a file is refused with."""
    with pytest.raises(FileError) as caught:
        from_bytes(data, "mine")
    sentence = str(caught.value)
    assert sentence.startswith("mine: Expected ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


def test_every_field_survives_the_file(make_set, tmp_path):
    notes = (RowNote("code", True, "writes classes\nin Python"), RowNote(), RowNote(discarded=True), RowNote("ä"))
    before = make_set(
        singular_values=torch.tensor([4.0, 3.0, 2.0, 1.0]),
        objective=torch.tensor([-1.0, 0.0, 1.0, 2.0]),
        residuals=torch.full((4,), 1e-3),
        notes=notes,
        description="found in a hurry",
        revision="main",
        extra={"colour": {"hue": [1, 2.5, None]}},
    )
    save(before, tmp_path / "first.safetensors")
    after = load(tmp_path / "first.safetensors")
    assert after.origin == before.origin
    assert (after.notes, after.description, after.name) == (notes, "found in a hurry", "first")
    for name in ("vectors", "singular_values", "objective", "residuals"):
        assert torch.equal(getattr(after, name), getattr(before, name))


def test_optional_fields_may_be_none_and_stay_none(make_set):
    before = make_set(
        revision=None,
        target=None,
        target_tokens=None,
        seed=None,
        prompt_set=None,
        system=None,
        converged=None,
        seconds=None,
        prompts=(),
    )
    after = from_bytes(to_bytes(before))
    assert after.origin == before.origin
    assert after.singular_values is None
    assert after.objective is None
    assert after.residuals is None


@settings(max_examples=60, deadline=None)
@given(
    prompts=st.lists(TEXT, max_size=4),
    system=st.none() | TEXT,
    labels=st.lists(LABEL, min_size=4, max_size=4),
    note=TEXT,
    parameters=st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1e6, 1e6) | TEXT),
)
def test_any_text_survives_the_file(make_set, prompts, system, labels, note, parameters):
    notes = tuple(RowNote(label=label, note=note) for label in labels)
    before = make_set(prompts=tuple(prompts), system=system, parameters=parameters, notes=notes)
    after = from_bytes(to_bytes(before))
    assert after.origin == before.origin
    assert after.notes == notes


def test_vectors_keep_their_native_norms_bit_for_bit(make_set):
    vectors = torch.tensor([[3.0, 4.0], [1e-30, 0.0], [0.0, 0.0]])
    after = from_bytes(to_bytes(make_set(width=2, vectors=vectors)))
    assert torch.equal(after.vectors, vectors)
    assert after.vectors.dtype == torch.float32
    torch.testing.assert_close(after.native_norms, torch.tensor([5.0, 1e-30, 0.0]), rtol=1e-6, atol=0)


def test_vectors_of_any_dtype_and_layout_become_float32_rows(make_set):
    columns = torch.arange(12, dtype=torch.float64).reshape(6, 2)
    vector_set = make_set(vectors=columns.T.requires_grad_())
    assert vector_set.vectors.dtype == torch.float32
    assert not vector_set.vectors.requires_grad
    assert torch.equal(from_bytes(to_bytes(vector_set)).vectors, columns.T.float())


def test_tensors_that_share_memory_are_saved(make_set):
    memory = torch.arange(1.0, 31.0)
    before = make_set(vectors=memory[:24].view(4, 6), singular_values=memory[20:24], residuals=memory[20:24])
    after = from_bytes(to_bytes(before))
    assert torch.equal(after.vectors, before.vectors)
    assert torch.equal(after.singular_values, after.residuals)


def test_unit_has_norm_one_and_a_zero_row_has_none(make_set):
    vector_set = make_set(width=2, vectors=torch.tensor([[3.0, 4.0], [0.0, 0.0]]), name="mine")
    torch.testing.assert_close(vector_set.unit(0), torch.tensor([0.6, 0.8]))
    with pytest.raises(FileError, match="norm 0"):
        vector_set.unit(1)
    for row in (-1, 2):
        with pytest.raises(FileError, match="from 0 to 1"):
            vector_set.unit(row)


def test_a_label_stands_beside_the_row_number(make_set):
    vector_set = make_set().with_note(3, RowNote("code"))
    assert vector_set.label(3) == "3 “code”"
    assert vector_set.label(0) == "0"
    assert vector_set.notes == (RowNote(), RowNote(), RowNote(), RowNote("code"))


def test_unknown_fields_and_unknown_tensors_are_kept(make_set):
    data = to_bytes(make_set())
    document = {**document_of(data), "colour": [1, {"hue": "green"}]}
    unknown = {"something": torch.tensor([3, 5, 7]), "half": torch.ones(2, 2, dtype=torch.bfloat16)}
    read = from_bytes(plain_save({**plain_load(data), **unknown}, metadata={DOCUMENT_KEY: json.dumps(document)}))
    again = from_bytes(to_bytes(read.with_note(1, RowNote("code"))))
    assert again.origin.extra == {"colour": [1, {"hue": "green"}]}
    assert set(again.others) == set(unknown)
    for name, values in unknown.items():
        assert torch.equal(again.others[name], values)


def test_taken_rows_keep_what_is_known_of_them(make_set):
    notes = tuple(RowNote(label) for label in "abcd")
    whole = replace(
        make_set(singular_values=torch.tensor([4.0, 3.0, 2.0, 1.0]), notes=notes),
        effects=torch.arange(4.0),
        found_scales=torch.arange(8.0).view(4, 2),
        base=torch.ones(6),
        others={"later": torch.ones(4)},
    )
    part = whole.take([3, 1])
    assert torch.equal(part.vectors, whole.vectors[[3, 1]])
    assert part.singular_values.tolist() == [1.0, 3.0]
    assert part.effects.tolist() == [3.0, 1.0]
    assert part.found_scales.tolist() == [[6.0, 7.0], [2.0, 3.0]]
    assert [note.label for note in part.notes] == ["d", "b"]
    assert torch.equal(part.base, whole.base)
    assert part.objective is None
    assert not part.others
    for rows in ([4], [-1], []):
        with pytest.raises(FileError, match="Expected"):
            whole.take(rows)


@pytest.mark.parametrize("name", ["onsets", "breaks", "found_scales", "scales_tried", "linear_radii"])
def test_a_negative_scale_is_refused(make_set, name):
    with pytest.raises(FileError, match=f"`{name}` of 0 or more"):
        replace(make_set(), **{name: torch.full((4, 2), -1.0)})


def test_an_extra_field_cannot_take_the_place_of_a_known_one(make_origin):
    with pytest.raises(FileError, match="`source`"):
        make_origin(extra={"source": 1})


def test_a_set_of_version_1_keeps_the_mean_as_its_reference_and_is_written_as_version_2(make_set):
    values = torch.tensor([4.0, 2.0, 1.0, 0.5])
    data = to_bytes(make_set(singular_values=values, residuals=torch.full((4,), 0.01)))
    document = document_of(data)
    del document["reference"]
    old = from_bytes(with_document(data, {**document, "format_version": 1}))
    assert (old.origin.reference, old.origin.residual_norm) == ("mean", 15.5)
    # Over its own σ each, instead of over σ₁
    torch.testing.assert_close(old.residuals, 0.01 * 4.0 / values)
    again = document_of(to_bytes(old))
    assert (again["format_version"], again["reference"]) == (2, "mean")
    assert torch.equal(from_bytes(to_bytes(old)).residuals, old.residuals)


def test_windows_of_scales_survive_the_file_sign_by_sign(make_set):
    windows = {
        (0, 1): ScaleWindow(onset=1.5, break_=6.0, found=4.5, tried=12.0),
        (0, -1): ScaleWindow(onset=None, break_=2.5, found=None, tried=12.0),
        (3, 1): ScaleWindow(onset=None, break_=None, found=None, tried=12.0),
    }
    read = from_bytes(to_bytes(make_set().with_windows(windows)))
    assert {place: read.window(*place) for place in windows} == windows
    assert read.window(3, -1) is None
    assert read.window(0, -1).noise
    assert not read.window(0, 1).noise
    more = read.with_windows({(3, -1): windows[0, 1]})
    assert more.window(3, -1) == windows[0, 1]
    assert more.window(0, 1) == windows[0, 1]


@pytest.mark.parametrize("version", [0, 3, "1", None, 1.5, True, [1]])
def test_other_format_versions_are_refused(make_set, version):
    data = to_bytes(make_set())
    assert "version" in refused(with_document(data, {**document_of(data), "format_version": version}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", ""),
        ("model", 3),
        ("revision", 7),
        ("fingerprint", None),
        ("width", 6.0),
        ("width", True),
        ("width", 7),
        ("block_count", 0),
        ("source", -1),
        ("source", 12),
        ("source", "3"),
        ("target", 3),
        ("target", 12),
        ("target_tokens", 0),
        ("positions", "some"),
        ("positions", ["all"]),
        ("hook_site", "mlp"),
        ("method", ""),
        ("parameters", []),
        ("seed", 1.5),
        ("prompts", "text"),
        ("prompts", [1]),
        ("prompt_set", 1),
        ("prompt_hash", None),
        ("chat", 1),
        ("system", 0),
        ("residual_norm", 0),
        ("residual_norm", "15"),
        ("residual_norm", None),
        ("residual_norm", 10**400),
        ("converged", "yes"),
        ("seconds", -1),
        ("versions", {"torch": 2}),
        ("created", "yesterday"),
        ("created", "2026-11-20T10:15:00+02:00"),
        ("created", "2026-11-20T10:15:00"),
        ("description", 3),
        ("notes", {}),
        ("notes", [{}]),
        ("notes", [1, 2, 3, 4]),
        ("notes", [{"label": 3}] * 4),
        ("notes", [{"star": 1}] * 4),
        ("notes", [{"label": "two\nlines"}] * 4),
        ("notes", [{"label": "x" * (MAX_LABEL + 1)}] * 4),
        ("notes", [{"note": "x" * (MAX_NOTE + 1)}] * 4),
        ("prompts", ["\ud800"]),
    ],
)
def test_a_header_field_of_another_type_or_range_is_refused(make_set, field, value):
    data = to_bytes(make_set())
    refused(with_document(data, {**document_of(data), field: value}))


@pytest.mark.parametrize("field", ["model", "width", "block_count", "source", "method", "residual_norm", "created"])
def test_a_required_header_field_that_is_missing_is_named(make_set, field):
    data = to_bytes(make_set())
    document = document_of(data)
    del document[field]
    assert f"`{field}`" in refused(with_document(data, document))


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format_version": NaN}',
        "[" * 100_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '"\\ud800"',
        '{"format_version": ' + "1" * 5000 + "}",
    ],
    ids=["empty", "cut", "list", "null", "nan", "brackets", "deep", "surrogate", "huge-number"],
)
def test_a_damaged_header_document_is_refused(make_set, document):
    refused(with_document(to_bytes(make_set()), document))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"vectors": torch.ones(4, 6, dtype=torch.float16)}, "float32"),
        ({"vectors": torch.ones(6)}, "(k, d)"),
        ({"vectors": torch.ones(0, 6)}, "k ≥ 1"),
        ({"vectors": torch.ones(4, 7)}, "width 6"),
        ({"vectors": torch.full((4, 6), torch.nan)}, "NaN"),
        ({"vectors": torch.full((4, 6), torch.inf)}, "infinity"),
        ({"vectors": None}, "none"),
        ({"singular_values": torch.ones(3)}, "`singular_values`"),
        ({"singular_values": torch.ones(0)}, "`singular_values`"),
        ({"residuals": torch.full((4,), torch.nan)}, "NaN"),
        ({"objective": torch.ones(4, 1)}, "`objective`"),
        ({"effects": torch.ones(4, 2)}, "`effects`"),
        ({"found_scales": torch.ones(4)}, "two a row"),
        ({"base": torch.ones(5)}, "`base`"),
        ({"base": torch.full((6,), torch.inf)}, "infinity"),
        ({"objective": torch.ones(4, dtype=torch.float64)}, "float32"),
    ],
)
def test_tensors_of_another_kind_are_refused(make_set, change, word):
    data = to_bytes(make_set(singular_values=torch.ones(4)))
    tensors = {**plain_load(data), **change}
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    metadata = {DOCUMENT_KEY: json.dumps(document_of(data))}
    assert word in refused(plain_save(tensors, metadata=metadata))


def test_files_that_are_something_else_are_refused(make_set):
    data = to_bytes(make_set())
    refused(b"")
    refused(b"short")
    refused(b"\xff" * 100)
    refused((10**12).to_bytes(8, "little") + b"{}")
    refused(pickle.dumps({"vectors": [1.0]}))
    refused(b"PK\x03\x04" + bytes(200))
    refused(plain_save({"vectors": torch.ones(2, 6)}))
    refused(plain_save({"vectors": torch.ones(2, 6)}, metadata={"other": "text"}))
    refused((2).to_bytes(8, "little") + b"[]")
    header = json.dumps({"__metadata__": {DOCUMENT_KEY: 3}}).encode()
    refused(len(header).to_bytes(8, "little") + header)
    for cut in range(0, len(data) - 1, 7):
        refused(data[:cut])
    refused(data + b"more")


VALID = None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_byte_loads_or_is_refused_with_a_file_error(make_set, data):
    global VALID
    VALID = VALID or to_bytes(make_set(2, singular_values=torch.ones(2), notes=(RowNote("code", True), RowNote())))
    changed = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        what = data.draw(st.sampled_from(["set", "delete", "insert"]))
        if what == "delete":
            del changed[place]
        else:
            changed[place : place + (what == "set")] = [data.draw(st.integers(0, 255))]
    try:
        vector_set = from_bytes(bytes(changed), "mine")
    except FileError:
        refused(bytes(changed))
        return
    # What loads is whole: it can be shown, used and written again.
    assert len(vector_set.notes) == vector_set.rows == 2
    assert torch.equal(from_bytes(to_bytes(vector_set)).vectors, vector_set.vectors)


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_file_error(noise):
    with pytest.raises(FileError):
        from_bytes(noise)


def test_a_missing_file_a_folder_and_an_impossible_name_are_refused(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path, "nul\0byte"):
        with pytest.raises(FileError, match="check the name"):
            load(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.safetensors"
    with open(path, "wb") as file:
        file.truncate(2**31)
    with pytest.raises(FileError, match="2048 MiB"):
        load(path)


def test_a_failed_write_leaves_the_old_file_and_no_other(make_set, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    save(make_set(draw=1), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("playground.library.atomic.os.fsync", full)
    with pytest.raises(FileError, match="no space left") as caught:
        save(make_set(draw=2), path)
    assert str(caught.value).endswith(".")
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["mine.safetensors"]


def test_a_place_that_cannot_be_written_is_named(make_set, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileError, match="Expected to write"):
        save(make_set(), tmp_path / "file" / "mine.safetensors")


def test_the_head_is_read_without_the_tensors(make_set, tmp_path):
    vector_set = make_set(notes=(RowNote("a"), RowNote(), RowNote(), RowNote()), description="d")
    path = tmp_path / "mine.safetensors"
    save(vector_set, path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = read_head(file, size)
        assert file.tell() <= size - 4 * 6 * 4
    assert head == Head(4, 6, vector_set.origin, vector_set.notes, "d", 2)


def test_no_notes_in_a_file_means_an_empty_note_a_row(make_set):
    data = to_bytes(make_set())
    document = document_of(data)
    del document["notes"]
    assert from_bytes(with_document(data, document)).notes == (RowNote(),) * 4


def test_a_set_with_another_number_of_notes_cannot_be_built(make_set):
    with pytest.raises(FileError, match="4 notes"):
        make_set(notes=(RowNote(),) * 3)


def test_lists_and_tuples_in_parameters_read_back_as_they_are_in_memory(make_origin):
    assert make_origin(parameters={"range": (1, 2)}).parameters == {"range": [1, 2]}


def test_check_fits_is_silent_on_the_same_model_and_warns_on_another_of_equal_width(make_set):
    vector_set = make_set(name="mine")
    assert check_fits(vector_set, 6, 12, "5f0c", "a/copy") is None
    other = check_fits(vector_set, 6, 12, "beef", "another/model")
    assert "organism" in other
    assert "another/model" in other
    assert "version" in check_fits(vector_set, 6, 12, "beef", "organism")


def test_check_fits_refuses_another_width_and_layers_that_are_not_there(make_set):
    with pytest.raises(FileError, match="width 8.*width 6"):
        check_fits(make_set(), 8, 12, "5f0c", "organism")
    with pytest.raises(FileError, match="layer 9"):
        check_fits(make_set(), 6, 9, "beef", "short")
    with pytest.raises(FileError, match="layer 3"):
        check_fits(make_set(target=None), 6, 3, "beef", "short")


def test_versions_and_time_are_what_an_origin_takes(make_origin):
    origin = make_origin(versions=library_versions(), created=now())
    assert {"python", "torch"} <= set(origin.versions)
    assert origin.created.endswith("+00:00")


def test_origin_is_frozen_and_checked_again_when_replaced(make_origin):
    with pytest.raises(FileError):
        replace(make_origin(), source=12)
    assert all(item.kw_only for item in fields(Origin))
