"""Files of other tools: round trips lose nothing that a format holds, and what it cannot hold is said or refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_safetensors

from playground.errors import FileError, InputError
from playground.library.directions import BLOCKS, HIDDEN_STATES, MLP_OUTPUT, Directions
from playground.library.exchange import exported, format_of, of_recipe, of_rows, read_directions
from playground.library.formats.registry import formats
from playground.library.origin import HOOK_SITE, RowNote
from playground.library.recipe import parse
from playground.library.vector_set import save

NAMES = ("gguf", "easysteer", "steering-vectors", "pt", "safetensors")
ONE_A_LAYER = ("gguf", "easysteer", "steering-vectors")
LABEL = st.text(st.characters(codec="utf-8"), max_size=20).filter(str.isprintable).map(str.strip)


@st.composite
def directions(draw, several: bool, form_positions: tuple[str, ...]) -> Directions:
    """Vectors at one to four blocks, with labels, positions and a name of the model."""
    width = draw(st.integers(1, 6))
    number = st.floats(-(2.0**100), 2.0**100, width=32)
    row = st.lists(number, min_size=width, max_size=width)
    matrix = st.lists(row, min_size=1, max_size=4 if several else 1)
    layers = draw(st.dictionaries(st.integers(1, 200), matrix, min_size=1, max_size=4))
    names = {layer: tuple(draw(LABEL) for _ in rows) for layer, rows in layers.items()}
    return Directions(
        {layer: torch.tensor(rows) for layer, rows in layers.items()}, BLOCKS, HOOK_SITE,
        draw(st.sampled_from(form_positions or ("all", "prompt", "last", "first-9"))),
        labels={layer: own for layer, own in names.items() if any(own)}, model=draw(LABEL),
    )  # fmt: skip


def written(folder: Path, made: Directions, name: str) -> Path:
    path = folder / f"file{format_of(name).suffix}"
    path.write_bytes(exported(made, name).data)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_round_trip_keeps_all_that_the_format_holds(name, tmp_path):
    form = format_of(name)

    @settings(max_examples=40, deadline=None)
    @given(directions(form.several, form.positions))
    def holds(made: Directions) -> None:
        back = read_directions(written(tmp_path, made, name))
        assert sorted(back.layers) == sorted(made.layers)
        for layer, vectors in made.layers.items():
            assert torch.equal(back.fitting(vectors.shape[1], "the model").layers[layer], vectors)
        assert back.missing == (("counted",) if name == "pt" else ())
        if name != "pt":
            assert (back.counted, back.site) == (BLOCKS, HOOK_SITE)
        if form.positions != ("all",):
            assert back.positions == made.positions
        if name == "safetensors":
            assert {layer: back.names(layer) for layer in made.labels} == dict(made.labels)
        if name in ("gguf", "safetensors"):
            assert back.model == made.model

    holds()


def test_every_format_is_tested_here():
    assert set(formats("directions")) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_folded_into_one_vector_a_block(name, make_set, tmp_path):
    sets = {"a": make_set(draw=1, source=3), "b": make_set(draw=2, source=5)}
    made = of_recipe(parse("a#0@8,a#mean:1-3@-2n,b#2@0.5r"), sets.__getitem__)
    back = read_directions(written(tmp_path, made, name))
    a, b = (each.vectors.double() for each in sets.values())
    expected = 8 * a[0] / a[0].norm() - 2 * a[1:3].mean(dim=0)
    torch.testing.assert_close(back.layers[3][0].double(), expected, rtol=1e-6, atol=1e-6)
    expected = 0.5 * 15.5 * b[2] / b[2].norm()
    torch.testing.assert_close(back.layers[5][0].double(), expected, rtol=1e-6, atol=1e-6)


def test_a_control_vector_is_what_the_gguf_package_reads(make_set, tmp_path):
    made = of_recipe(parse("a#0@8"), lambda _: make_set(source=3), hint="llama")
    reader = gguf.GGUFReader(written(tmp_path, made, "gguf"))
    assert [tensor.name for tensor in reader.tensors] == ["direction.3"]
    (tensor,) = reader.tensors
    assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
    assert list(tensor.shape) == [6]
    assert torch.equal(torch.tensor(tensor.data), made.layers[3][0])
    values = {key: field.contents() for key, field in reader.fields.items()}
    assert values["general.architecture"] == "controlvector"
    assert (values["controlvector.model_hint"], values["controlvector.layer_count"]) == ("llama", 1)


@pytest.mark.parametrize("order", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG], ids=["little", "big"])
def test_float16_and_either_byte_order_of_a_control_vector_are_read(order, tmp_path):
    vector = torch.tensor([1.0, -2.5, 0.125], dtype=torch.float16)
    writer = gguf.GGUFWriter(tmp_path / "v.gguf", "controlvector", endianess=order)
    writer.add_tensor("direction.7", vector.numpy().copy())
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    found = read_directions(tmp_path / "v.gguf")
    assert torch.equal(found.layers[7][0], vector.float())


def test_rows_keep_their_norms_or_take_a_scale(make_set):
    vector_set = make_set(notes=(RowNote("code"), RowNote(), RowNote(), RowNote("verse")), vectors=torch.eye(4, 6) * 3)
    native = of_rows(vector_set, (0, 3))
    assert torch.equal(native.layers[3], vector_set.vectors[[0, 3]])
    assert native.labels == {3: ("code", "verse")}
    for scale, norm in (("8", 8), ("-0.2r", 3.1), ("2n", 6)):
        found = of_rows(vector_set, (0, 3), scale).layers[3]
        torch.testing.assert_close(found.norm(dim=1), torch.full((2,), float(norm)))
    assert float(of_rows(vector_set, (0,), "-8").layers[3][0, 0]) == -8
    for wrong in ("much", "0", "1x"):
        with pytest.raises(InputError, match="Expected a scale other than 0"):
            of_rows(vector_set, (0,), wrong)


def test_what_a_format_cannot_hold_is_refused_or_said(make_set):
    at_zero = of_recipe(parse("a#0@8"), lambda _: make_set(source=0))
    with pytest.raises(InputError, match=r"Expected blocks from 1 on, .* got block 0"):
        exported(at_zero, "gguf")
    assert exported(at_zero, "pt").data
    for name in ONE_A_LAYER:
        with pytest.raises(InputError, match=r"Expected one vector a layer .*, got 4"):
            exported(of_rows(make_set(), range(4)), name)
    with pytest.raises(InputError, match="Expected a recipe that adds something"):
        of_recipe(parse("a#0@0"), lambda _: make_set())
    with pytest.raises(InputError, match="Expected a recipe that only adds, which is all"):
        of_recipe(parse("a#0@8,a#1@ablate"), lambda _: make_set())
    with pytest.raises(InputError, match="Expected a format: gguf, easysteer"):
        exported(at_zero, "onnx")
    made = of_recipe(parse("a#0@8"), lambda _: make_set(), "prompt")
    for name in NAMES:
        said = " ".join(exported(made, name).said)
        assert "where the vectors come from" in said
        assert "native norms" in said
        assert ("added at prompt tokens only" in said) == (name in ("gguf", "steering-vectors", "pt"))


def test_a_specification_of_easysteer_says_where_and_how_much(make_set):
    made = of_recipe(parse("a#0@8"), lambda _: make_set(), "generated")
    document = json.loads(exported(made, "easysteer").data)
    (vector,) = document["vectors"]
    assert vector["apply"] == {"generation": "all"}
    assert (vector["layers"], vector["scale"], vector["normalize"]) == ([3], 1.0, False)
    assert (vector["algorithm"], vector["data"]["kind"], vector["data"]["version"]) == ("direct", "direction", 1)
    assert vector["data"]["tensors"]["layer.3"]["shape"] == [6]
    assert len(vector["data"]["sha256"]) == 64


def spec(tmp_path: Path, *vectors: dict, name: str = "spec.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"vectors": list(vectors)}))
    return path


EVERYWHERE = {"prompt": "all", "generation": "all"}


def test_specifications_with_files_numbers_and_phases_are_read(make_set, tmp_path):
    made = of_recipe(parse("a#0@8,b#1@3"), lambda name: make_set(source=3 if name == "a" else 5))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "happy.gguf").write_bytes(exported(made, "gguf").data)
    found = read_directions(
        spec(
            tmp_path,
            {"source": "below/happy.gguf", "scale": -2, "layers": [5], "apply": EVERYWHERE, "name": "happy"},
            {"data": {"5": [1, 2, 3, 4, 5, 6.5]}, "apply": {"phases": ["generation", "prompt"]}},
        )
    )
    assert list(found.layers) == [5]
    assert torch.equal(found.layers[5], torch.stack([-2 * made.layers[5][0], torch.tensor([1, 2, 3, 4, 5, 6.5])]))
    assert found.names(5) == ("happy", "")
    assert (found.positions, found.said) == ("all", ())


def test_windows_of_a_specification_are_noted_and_said(tmp_path):
    clause = {"prompt_positions": [-1], "generation_window": [0, 8]}
    found = read_directions(spec(tmp_path, {"data": {"3": [1.0]}, "apply": clause}))
    assert found.about == {"apply": [clause]}
    assert "chosen tokens" in found.said[0]


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        ({"data": {"3": [1]}}, "an object with `apply`"),
        ({"apply": EVERYWHERE}, "either `source` or `data`"),
        ({"data": {"3": [1]}, "algorithm": "erase", "apply": EVERYWHERE}, "vectors that are added"),
        ({"data": {"3": [1]}, "normalize": True, "apply": EVERYWHERE}, "vectors that are added"),
        ({"data": {"3": [1]}, "scale": "2", "apply": EVERYWHERE}, "a finite `scale`"),
        ({"data": {"3": [1]}, "layers": [4], "apply": EVERYWHERE}, "a vector at some layer"),
        ({"data": {"3": ["1"]}, "apply": EVERYWHERE}, "a list of numbers"),
        ({"data": {"3": [1e300]}, "apply": EVERYWHERE}, "a list of numbers"),
        ({"data": {"up": [1]}, "apply": EVERYWHERE}, "each layer once"),
        ({"data": {"kind": "linear", "version": 1, "tensors": {"w": {}}}, "apply": EVERYWHERE}, "of kind direction"),
        ({"source": "../x.gguf", "apply": EVERYWHERE}, "in the folder of the specification"),
        ({"source": "/etc/passwd", "apply": EVERYWHERE}, "in the folder of the specification"),
        ({"source": "\0", "apply": EVERYWHERE}, "in the folder of the specification"),
    ],
)
def test_a_specification_that_is_none_gets_one_sentence(vector, said, tmp_path):
    with pytest.raises(FileError, match=said):
        read_directions(spec(tmp_path, vector))


def torch_file(tmp_path: Path, content: object, name: str = "v.pt") -> Path:
    torch.save(content, tmp_path / name)
    return tmp_path / name


ROWS = torch.arange(12.0).reshape(2, 6)


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        (ROWS, ("layer", "counted")),
        (ROWS.T.contiguous(), ("layer", "counted")),
        (ROWS.bfloat16(), ("layer", "counted")),
        (torch.nn.Parameter(ROWS), ("layer", "counted")),
        ([ROWS[0], ROWS[1]], ("layer", "counted")),
        ({"first": ROWS[0], "second": ROWS[1]}, ("layer", "counted")),
        ({"all": ROWS.T.contiguous()}, ("layer", "counted")),
        ({3: ROWS}, ("counted",)),
        ({"model.layers.3": ROWS}, ("counted",)),
        ({"layer_3": ROWS.half()}, ("counted",)),
        ({"vectors": ROWS, "losses": [1.0, 2.0]}, ("layer", "counted")),
        ({"vectors": ROWS, "sigmas": [2.0, 1.0], "source_layer": 3, "model": "Qwen/Qwen3-14B"}, ()),
        ({"directions": {3: ROWS}, "model_type": "llama"}, ()),
    ],
    ids=str,
)
def test_tensors_of_scripts_are_read_and_what_they_leave_out_is_asked(content, missing, tmp_path):
    found = read_directions(torch_file(tmp_path, content))
    assert found.missing == missing
    placed = found.fitting(6, "the model").at_blocks(
        12, 3 if "layer" in missing else None, BLOCKS if "counted" in missing else None
    )
    assert list(placed.layers) == [3]
    assert torch.equal(placed.layers[3], ROWS)


def test_published_files_say_layer_model_and_site(tmp_path):
    content = {
        "vectors": ROWS, "sigmas": [156.0, 148.0], "model": "Qwen/Qwen3-14B", "source_layer": 7, "target_layer": 32,
        "capture_site": "down_proj", "prompt": "Would you?", "method": "pi",
    }  # fmt: skip
    found = read_directions(torch_file(tmp_path, content))
    assert (list(found.layers), found.counted, found.site) == ([7], BLOCKS, MLP_OUTPUT)
    assert found.model == "Qwen/Qwen3-14B"
    assert found.about == {key: value for key, value in content.items() if key != "vectors"}
    found = read_directions(torch_file(tmp_path, {"layer_activations": {7: ROWS[0]}, "layer_type": "mlp"}))
    assert found.site == MLP_OUTPUT


class Harmful:
    def __reduce__(self):
        return (print, ("code has run",))

    def __repr__(self) -> str:
        """Without an address: names of tests are the same in every process."""
        return "Harmful()"


VIEW = torch.ones(1).expand(6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Harmful(), "which PyTorch does not read so"),
        ({"vectors": Harmful()}, "which PyTorch does not read so"),
        ({"J": {3: torch.eye(6)}, "n_prompts": 7, "d_model": 6}, "got a Jacobian lens"),
        ("text", "a tensor, or tensors by layer or name"),
        ({}, "a tensor, or tensors by layer or name"),
        ([], "a tensor, or tensors by layer or name"),
        ({3: "x"}, "Expected tensors at layer 3"),
        ({3: ROWS, "other": ROWS}, "layers for all tensors or for none"),
        ({"3": ROWS, "layer_3": ROWS}, "every layer once"),
        ({-1: ROWS}, "numbers from 0 on"),
        ({"a": ROWS, "b": ROWS[:, :5]}, "tensors of one width"),
        (ROWS.long(), "dense tensors of real numbers"),
        (torch.full((6,), float("nan")), "finite numbers"),
        (torch.ones(2, 3, 6), "vectors (d,) or matrices (k, d)"),
        (torch.empty(0, 6), "vectors (d,) or matrices (k, d)"),
        (torch.tensor(1.0), "vectors (d,) or matrices (k, d)"),
        (VIEW, "that the file holds all numbers of"),
        ({"layer_activations": {3: ROWS[0]}, "layer_type": "self_attn"}, "vectors of decoder_block or mlp"),
        ({"layer_activations": ROWS}, "to be {layer: vector}"),
        (ROWS.to_sparse(), "dense tensors of real numbers"),
    ],
    ids=str,
)
def test_what_is_no_vectors_gets_one_sentence(content, said, tmp_path, capsys):
    path = torch_file(tmp_path, content)
    with pytest.raises(FileError) as caught:
        read_directions(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith("v.pt: Expected ")
    assert "\n" not in str(caught.value)
    assert "code has run" not in capsys.readouterr().out


def test_damaged_and_foreign_files_get_one_sentence(make_set, tmp_path):
    for name, data in (
        ("v.pt", pickle.dumps(ROWS.tolist())), ("v.pt", b""), ("v.gguf", b"GGUF"), ("v.gguf", b""), ("v.json", b"{"),
        ("v.safetensors", b"\x10"), ("v.json", b"[]"), ("v.npz", b""),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileError, match="Expected "):
            read_directions(tmp_path / name)
    for missing in ("none.pt", "none.gguf", "none.json", "none.safetensors"):
        with pytest.raises(FileError, match="Expected "):
            read_directions(tmp_path / missing)
    save(make_set(), tmp_path / "set.safetensors")
    with pytest.raises(FileError, match="got the vector set"):
        read_directions(tmp_path / "set.safetensors")


def test_a_file_larger_than_any_vectors_is_refused_unread(tmp_path):
    with (tmp_path / "v.pt").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(FileError, match="at most 1024 MiB"):
        read_directions(tmp_path / "v.pt")


def test_safetensors_of_others_are_asked_about_their_layers(tmp_path):
    (tmp_path / "v.safetensors").write_bytes(save_safetensors({"happy": ROWS[0].clone(), "sad": ROWS[1].clone()}))
    found = read_directions(tmp_path / "v.safetensors")
    assert found.missing == ("layer", "counted")
    assert found.names(None) == ("happy", "sad")
    assert torch.equal(found.layers[None], ROWS)


def at(layers: dict, **said) -> Directions:
    return Directions({layer: torch.ones(1, 6) * (layer or 1) for layer in layers}, **said)


def test_indices_into_hidden_states_become_blocks_and_what_is_no_block_is_left_out():
    found = at([0, 1, 7, 12], counted=HIDDEN_STATES, labels={7: ("seven",)}).at_blocks(12)
    assert {layer: float(vector[0, 0]) for layer, vector in found.layers.items()} == {0: 1.0, 6: 7.0}
    assert found.names(6) == ("seven",)
    assert "the embeddings (index 0) and the stream after the final norm are left out" in found.said[0]
    with pytest.raises(FileError, match="at a block's output"):
        at([12]).at_blocks(12, None, HIDDEN_STATES)
    assert list(at([None]).at_blocks(12, 7, HIDDEN_STATES).layers) == [6]


def test_one_layer_of_several_can_be_taken():
    assert list(at([3, 5], counted=BLOCKS).at_blocks(12, 5).layers) == [5]
    with pytest.raises(InputError, match="that the file has, 3, 5, got 4"):
        at([3, 5], counted=BLOCKS).at_blocks(12, 4)


def test_missing_and_contradicting_answers_are_refused():
    with pytest.raises(InputError, match="Expected the layer"):
        at([None]).at_blocks(12, None, BLOCKS)
    with pytest.raises(InputError, match="Expected how layers are counted"):
        at([3]).at_blocks(12)
    with pytest.raises(InputError, match="counted as blocks, as this kind of file does"):
        at([3], counted=BLOCKS).at_blocks(12, None, HIDDEN_STATES)
    with pytest.raises(InputError, match="counted as blocks or hidden-states"):
        at([3]).at_blocks(12, None, "from the top")
    with pytest.raises(FileError, match="of 12 blocks, got layer 12"):
        at([12]).at_blocks(12, None, BLOCKS)
    with pytest.raises(FileError, match="a layer for all vectors or for none"):
        at([None, 3])
    with pytest.raises(FileError, match="Expected vectors of width 7"):
        replace(at([3])).fitting(7, "the model")
