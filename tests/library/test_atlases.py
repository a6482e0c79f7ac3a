"""library/atlases.py: atlases that ship and those kept beside the sets of a library, by model."""

from __future__ import annotations

import pytest
import torch

from playground.errors import FileError
from playground.library import atlas as files
from playground.library import atlases
from playground.library.atlas import Atlas
from playground.library.origin import Origin, now
from playground.places import SHIPPED_ATLASES


def made(fingerprint: str) -> Atlas:
    origin = Origin(
        model="m", fingerprint=fingerprint, width=4, block_count=3, source=0, target=2, method="power",
        residual_norm=2.0, created=now(),
    )  # fmt: skip
    return Atlas(
        pairs=torch.tensor([[0, 2]]), singular_values=torch.ones(1, 2), vectors=torch.eye(4)[None, :2],
        converged=torch.tensor([True]), residual_norms=torch.ones(3), origin=origin,
    )  # fmt: skip


def test_those_of_a_model_are_listed_and_opened_by_name(tmp_path):
    assert atlases.names_for("a", tmp_path) == []
    assert atlases.keep(made("a"), "mine", tmp_path) == "mine"
    assert atlases.keep(made("b"), "mine", tmp_path) == "mine-2"  # what is there is never replaced
    (tmp_path / "atlases" / "broken.atlas.safetensors").write_bytes(b"no atlas")
    assert atlases.names_for("a", tmp_path) == ["mine"]
    assert atlases.names_for("b", tmp_path) == ["mine-2"]
    assert atlases.open_named("mine-2", tmp_path).origin.fingerprint == "b"
    for name in ("other", "../atlases/mine", ""):
        with pytest.raises(FileError, match="not there"):
            atlases.open_named(name, tmp_path)


def test_atlases_of_one_shape_are_listed_whatever_their_model_and_opened_by_path_or_name(tmp_path, monkeypatch):
    atlases.keep(made("a"), "mine", tmp_path)
    atlases.keep(made("b"), "mine", tmp_path)
    assert sorted(atlases.names_of_shape(4, 3, tmp_path)) == ["mine", "mine-2"]
    assert atlases.names_of_shape(4, 2, tmp_path) == atlases.names_of_shape(5, 3, tmp_path) == []
    assert atlases.open_atlas("mine-2", tmp_path).origin.fingerprint == "b"
    monkeypatch.chdir(tmp_path)
    files.save(made("c"), "mine.atlas.safetensors")
    for source in ("mine", "mine.atlas.safetensors"):  # a file comes before a name of the library
        assert atlases.open_atlas(source, tmp_path).origin.fingerprint == "c"
    for source in ("none", "none.atlas.safetensors"):
        with pytest.raises(FileError):
            atlases.open_atlas(source, tmp_path)


def test_what_ships_is_an_atlas_of_the_organism_in_which_every_pair_converged(tmp_path):
    from playground.model.load import load

    shipped = files.load(SHIPPED_ATLASES / "organism.atlas.safetensors")
    loaded = load()
    assert shipped.origin.fingerprint == loaded.fingerprint
    assert len(shipped.pairs) == loaded.block_count * (loaded.block_count - 1) // 2
    assert bool(shipped.converged.all())
    assert "organism" in atlases.names_for(loaded.fingerprint, tmp_path)
