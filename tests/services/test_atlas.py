"""services/atlas: all pairs of a model, against find for each pair; stop, state, and the file."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.errors import Cancelled, FileError, InputError
from playground.library import atlas as files
from playground.limits import LIMITS, tightened
from playground.methods.base.request import find_request
from playground.model.prompting import PromptFormat
from playground.services.atlas import AtlasRequest, atlas, atlas_request, partial_file
from playground.services.find import find

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?", "First, take a clean bowl.")
RAW = PromptFormat(chat=False)


def request(loaded, **changes) -> AtlasRequest:
    return atlas_request(loaded, **{"prompts": PROMPTS, "format": RAW, "vectors": 3, "target_tokens": 2} | changes)


@pytest.fixture(scope="module")
def loaded(tiny):
    return tiny("qwen3", "float64")


@pytest.fixture(scope="module")
def result(loaded):
    return atlas(loaded, request(loaded))


def test_every_pair_has_the_values_that_find_gives_it(loaded, result):
    made = result.atlas
    assert list(map(tuple, made.pairs.tolist())) == [(s, t) for s in range(4) for t in range(s + 1, 4)]
    assert bool(made.converged.all())
    assert result.unfinished == 0
    for (source, target), place in made.places.items():
        asked = find_request(
            "power", prompts=PROMPTS, format=RAW, source=source, target=target, vectors=3, tolerance=0.001
        )
        alone = find(loaded, asked).vector_set
        error = (made.singular_values[place] - alone.singular_values) / alone.singular_values
        assert float(error.abs().max()) < 0.02
        assert float(made.residual_norms[source]) == pytest.approx(alone.origin.residual_norm)


def test_a_cell_is_a_vector_set_as_find_makes_them(loaded, result):
    pair = result.atlas.vector_set((1, 3))
    assert (pair.origin.source, pair.origin.target, pair.origin.method) == (1, 3, "power")
    assert pair.origin.prompts == PROMPTS
    assert pair.origin.residual_norm == pytest.approx(float(result.atlas.residual_norms[1]))
    assert pair.singular_values is not None
    assert pair.origin.fingerprint == loaded.fingerprint
    with pytest.raises(FileError, match="pair of layers of this atlas"):
        result.atlas.vector_set((3, 1))


def test_events_tell_every_pair_and_end_at_one(loaded):
    events = []
    atlas(loaded, request(loaded), events.append)
    assert {pair for event in events for pair in event.values} == {(s, t) for s in range(4) for t in range(s + 1, 4)}
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert events[-1].unfinished == 0


def test_some_layers_alone_can_be_asked_for(loaded):
    made = atlas(loaded, request(loaded, source=0, target=3, step=2)).atlas
    assert made.places.keys() == {(0, 2), (0, 3), (2, 3)}


def test_a_stopped_run_keeps_its_pairs_and_goes_on_from_its_state(loaded, result, tmp_path):
    seen, states = [], []
    stopped = atlas(loaded, request(loaded), seen.append, lambda: len(seen) > 8, states.append)
    assert stopped.cancelled
    assert stopped.unfinished > 0
    part = tmp_path / "a.part"
    partial_file.write(states[-1], loaded, request(loaded), part)
    assert partial_file.read(part, loaded, request(loaded, vectors=2)) is None  # another request
    state = partial_file.read(part, loaded, request(loaded))
    assert state is not None
    resumed = atlas(loaded, request(loaded), so_far=state)
    torch.testing.assert_close(resumed.atlas.singular_values, result.atlas.singular_values)
    assert resumed.rows_times_blocks == result.rows_times_blocks


def test_a_run_stopped_before_there_is_a_pair_is_cancelled(loaded):
    with pytest.raises(Cancelled):
        atlas(loaded, request(loaded), cancelled=lambda: True)


def test_a_damaged_state_is_left_aside(loaded, tmp_path):
    part = tmp_path / "a.part"
    part.write_bytes(b"nothing of the kind")
    assert partial_file.read(part, loaded, request(loaded)) is None
    assert partial_file.read(tmp_path / "none.part", loaded, request(loaded)) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step": 0}, "step between layers"),
        ({"vectors": 33}, "at most 32 vectors"),
        ({"target": 9}, "Expected a target layer"),
        ({"target_tokens": 99}, "target tokens"),
        ({"prompts": ()}, "at least one prompt"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(loaded, changes, says):
    with pytest.raises(InputError, match=says):
        request(loaded, **changes).encode(loaded)


def test_an_atlas_is_held_to_the_limit_on_passes():
    one_pair = find_request("power", prompts=PROMPTS, source=0, target=29, vectors=3)
    with tightened(replace(LIMITS, passes=2000)), pytest.raises(InputError, match="worth of an atlas over 3 prompts"):
        AtlasRequest(one_pair)


def test_an_atlas_is_one_of_power_iteration(loaded):
    other = find_request("random", prompts=PROMPTS, source=0, target=3)
    with pytest.raises(InputError, match="power iteration"):
        AtlasRequest(other)


def test_a_file_gives_back_the_atlas(result, tmp_path):
    path = tmp_path / "map.atlas.safetensors"
    effects = {"kl": torch.full((6, 3, 2), float("nan"))}
    made = replace(result.atlas, effects=effects, description="of a test")
    files.save(made, path)
    again = files.load(path)
    assert again.name == "map"
    assert again.description == "of a test"
    assert again.origin == made.origin
    for name in ("pairs", "singular_values", "vectors", "converged", "residual_norms"):
        assert torch.equal(getattr(again, name), getattr(made, name))
    assert bool(again.effects["kl"].isnan().all())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: {"pairs": a.pairs.flip(1)}, "s < t"),
        (lambda a: {"pairs": torch.zeros_like(a.pairs)}, "s < t"),
        (lambda a: {"pairs": torch.tensor([[0, 1]] * 6)}, "every pair of layers once"),
        (lambda a: {"vectors": a.vectors[:, :, :5]}, "`vectors` of shape"),
        (lambda a: {"singular_values": a.singular_values * float("nan")}, "finite numbers"),
        (lambda a: {"residual_norms": torch.zeros(4)}, "residual norm above 0"),
        (lambda a: {"effects": {"kl": torch.zeros(2)}}, "`effect.kl` of shape"),
    ],
)
def test_what_is_no_atlas_is_refused(result, change, says):
    with pytest.raises(FileError, match=says):
        replace(result.atlas, **change(result.atlas))


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x10\0\0\0\0\0\0\0" + b'{"a": 1}' + b" " * 8])
def test_a_file_that_is_none_is_refused_in_a_sentence(data):
    with pytest.raises(FileError, match="Expected an atlas"):
        files.from_bytes(data, "x")


def test_a_vector_set_is_no_atlas_and_an_atlas_no_vector_set(result):
    from playground.library import vector_set

    with pytest.raises(FileError, match="Expected an atlas"):
        files.from_bytes(vector_set.to_bytes(result.atlas.vector_set((0, 1))))
    with pytest.raises(FileError, match="got an atlas"):
        vector_set.from_bytes(files.to_bytes(result.atlas))
