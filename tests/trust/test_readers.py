"""Hostile inputs to every reader: refused in one sentence or read, in bounded time and memory, nothing else touched.

A sample with fixed seeds; `python -m tests.trust.fuzz` runs more (RECORD.md).
"""

from __future__ import annotations

import json
import os
import struct
import tracemalloc

import pytest

from playground.errors import PlaygroundError
from playground.library.strict_json import MAX_DEPTH, parse_json
from tests.trust.fuzz import attack
from tests.trust.readers import READERS, Reader, is_sentence

SLACK = float(os.environ.get("PLAYGROUND_SLACK", "3"))
"""How many times slower than a usual machine a test may run."""
BY_NAME = {reader.name: reader for reader in READERS}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("name", BY_NAME)
def test_hostile_inputs_are_read_or_refused_in_a_sentence_and_touch_nothing(name):
    reader = BY_NAME[name]
    report = attack(reader, 120 if reader.share == 1 else 12, seed=5, slack=SLACK)
    assert not report.failures
    assert report.refused + report.read == report.inputs


@pytest.mark.parametrize("name", BY_NAME)
def test_what_the_attack_begins_with_is_read(name, tmp_path):
    for seed in BY_NAME[name].seeds():
        if name not in ("model index", "model name"):  # files that are not there, models that are not
            BY_NAME[name].read(seed, tmp_path)


def refusal(name: str, data: bytes, folder) -> str:
    with pytest.raises(PlaygroundError) as caught:
        BY_NAME[name].read(data, folder)
    assert is_sentence(str(caught.value))
    return str(caught.value)


def changed(name: str, old: str, new: str, number: int = 0) -> bytes:
    seed = BY_NAME[name].seeds()[number].decode()
    assert old in seed
    return seed.replace(old, new).encode()


@pytest.mark.parametrize(
    ("name", "old", "new", "number"),
    [
        ("measurement", '"scale":-4,', f'"scale":1{"0" * 400},', 0),
        ("measurement", '"vector":"0"', '"vector":[0]', 0),
        ("measurement", '"vector":"0"', '"vector":0.5', 1),
        ("measurement", '"seconds":1.5', '"seconds":1e999', 0),
        ("measurement", '"cancelled":true', '"cancelled":"yes"', 1),
        ("measurement", '"model":"organism"', '"model":"\\ud800"', 2),
        ("measurement", '"format_version":3,', "", 0),
        ("scan", '"scales": [0.3]', f'"scales": [1{"0" * 400}]', 0),
        ("scan", '"seed": 0', f'"seed": [{"0," * 20_000}0]', 0),
        ("scan", '"text": "I can', '"text": "\\ud800I can', 0),
        ("prompts.json", '"name":"n"', f'"name":"{"n" * 5000}"', 5),
        ("prompts.json", '"name":"n"', '"name":"n\\nn"', 5),
    ],
)  # fmt: skip
def test_values_of_other_types_and_sizes_are_refused(name, old, new, number, tmp_path):
    """cases.md, 27, and what the attack found."""
    refusal(name, changed(name, old, new, number), tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"data_offsets":[0,', b'"data_offsets":[0,1e999],"x":[0,'), (b'"dtype":"F32"', b'"dtype":"\\n\\u202e"')],
)
def test_a_header_of_values_that_are_none_is_refused_in_a_sentence(old, new, tmp_path):
    data = BY_NAME["vector set"].seeds()[2]
    length = int.from_bytes(data[:8], "little")
    assert old in data[: 8 + length]
    header = data[8 : 8 + length].replace(old, new)
    refusal("vector set", struct.pack("<Q", len(header)) + header + data[8 + length :], tmp_path)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "a/b@c\nd", "\ud800", "a/b@" + "c" * 5000, "x/" * 40_000])
def test_names_of_models_that_nothing_has_are_refused_at_once(name, tmp_path):
    refusal("model name", name.encode("utf-8", "surrogatepass"), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"num_hidden_layers": 4', '"num_hidden_layers": 1000000000', "'num_hidden_layers' up to 1024"),
        ('"num_hidden_layers": 4', '"num_hidden_layers": 900', "the weights of 900 blocks"),
        ('"num_hidden_layers": 4', '"num_labels": 1000000000, "num_hidden_layers": 4', "'num_labels' up to 65536"),
        ('"intermediate_size": 64', '"intermediate_size": 1000000000', "weights that the configuration"),
        ('"vocab_size": 400', '"vocab_size": 1000000000', "weights that the configuration"),
        ('"num_attention_heads": 4', '"num_attention_heads": "4"', "that transformers can read"),
        ('"architectures": [', '"architectures": 5, "x": [', "to be a list of names"),
        ('"architectures": [', f'"x": {"[" * 9000}{"]" * 9000}, "architectures": [', "that transformers can read"),
    ],
)
def test_a_configuration_of_another_size_than_its_weights_is_refused_before_it_is_built(old, new, said, tmp_path):
    """A list of 10⁹ blocks or labels was made, and weights that are not there were made up in memory."""
    assert said in refusal("model config", changed("model config", old, new), tmp_path)


def test_an_index_names_files_beside_it_only(tmp_path):
    for place, name in enumerate(("../../secret.safetensors", "x" * 300 + ".safetensors", "é" * 130 + ".safetensors")):
        folder = tmp_path / str(place)
        folder.mkdir()
        hostile = changed("model index", "model-00001-of-00002.safetensors", name)
        assert "index.json (unreadable)" in refusal("model index", hostile, folder)


def test_a_template_of_any_output_is_refused_in_a_bounded_sentence(tmp_path):
    refusal("model template", b"{{ messages.%s }}{{ raise_exception('%s') }}" % (b"a" * 900, b"b\n" * 900), tmp_path)


def _gguf_head(*parts: bytes) -> bytes:
    return b"GGUF" + struct.pack("<I", 3) + b"".join(parts) + b"\0" * 64


@pytest.mark.parametrize(
    "data",
    [
        _gguf_head(struct.pack("<QQ", 0, 10**18)),
        _gguf_head(struct.pack("<QQ", 10**18, 0)),
        _gguf_head(struct.pack("<QQQ", 0, 1, 10**18)),
        _gguf_head(struct.pack("<QQQ", 0, 1, 1), b"k", struct.pack("<IIQ", 9, 8, 10**18)),
        _gguf_head(struct.pack("<QQQ", 0, 1, 1), b"k", struct.pack("<IIQ", 9, 0, 3_000_000), b"\0" * 3_000_000),
        _gguf_head(struct.pack("<QQQ", 0, 1, 1), b"k", *[struct.pack("<IQ", 9, 1)] * 5000),
        _gguf_head(struct.pack("<QQQ", 1, 0, 1), b"t", struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0)),
    ],
    ids=["pairs", "tensors", "key", "strings", "bytes", "nested", "shape"],
)
def test_a_gguf_whose_counts_lie_is_refused_before_anything_is_made_of_it(data, tmp_path):
    """The gguf package makes an array for each element that a file claims."""
    refusal("gguf head", data, tmp_path)  # imports
    tracemalloc.start()
    try:
        assert "Expected a whole GGUF file" in refusal("gguf head", data, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_a_number_that_is_none_is_quoted_shortly(tmp_path):
    refusal("numbers", b"x\n" * 10_000, tmp_path)


def test_a_recipe_of_a_long_name_is_refused_shortly(tmp_path):
    refusal("recipe", b"a" * 5000 + b"#1@1e999", tmp_path)


def test_more_vectors_than_anyone_types_are_refused_at_once(tmp_path):
    """25,000 averages took 20 s to look up."""
    assert "at most 50000 characters" in refusal("rows and vectors", b"mean:0-2," * 25_000, tmp_path)


def test_a_pattern_has_a_name_of_one_printable_line(tmp_path):
    refusal("reply pattern", b"a\0b=" + b"x" * 400, tmp_path)


def test_json_of_more_values_than_any_file_has_is_refused_before_it_is_parsed():
    with pytest.raises(ValueError, match="more than 100 values"):
        parse_json(json.dumps([[]] * 101), most_values=100)
    with pytest.raises(ValueError, match="more than 1000000 lists and objects"):
        parse_json("[]," * 1_000_001, most_values=10**9)
    with pytest.raises(ValueError, match="a whole number of thousands of digits"):
        parse_json("9" * 5000)


def test_nesting_is_refused_one_level_beyond_the_limit():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert parse_json('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    for deep in ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), '{"a":' * MAX_DEPTH + "[]" + "}" * MAX_DEPTH):
        with pytest.raises(ValueError, match="nesting deeper than 64 levels"):
            parse_json(deep)


def test_a_count_that_is_no_number_is_said_in_the_list(tmp_path):
    refusal("measurement", changed("measurement", '"done":2', '"done":1e999', 3), tmp_path)


def test_files_over_their_limit_are_refused_without_reading_them(tmp_path):
    for reader, suffix in (("scan", "json"), ("measurement", "measure.json"), ("prompts.json", "json")):
        path = tmp_path / f"large.{suffix}"
        path.write_bytes(b"[")
        os.truncate(path, 2**30)  # takes no room on disk
        assert "MiB" in _refused_file(BY_NAME[reader], path)
    path = tmp_path / "large.safetensors"
    path.write_bytes(b"")
    os.truncate(path, 2**31)
    assert "MiB" in _refused_file(BY_NAME["vector set"], path)


def _refused_file(reader: Reader, path) -> str:
    with pytest.raises(PlaygroundError) as caught:
        reader.of_file(path)
    assert is_sentence(str(caught.value))
    return str(caught.value)
