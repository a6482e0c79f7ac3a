"""The texts that ship are those that the shipped model writes, and every preset has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from playground.library.store import Store
from playground.model.load import LoadedModel, load
from playground.places import SHIPPED_VECTORS
from playground.services.generate import generate
from playground.ui.kit.markup import escape
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import kept, presets
from playground.ui.steer.presets import Preset
from playground.ui.steer.state import SteerState

STORE = Store(SHIPPED_VECTORS)


@pytest.fixture(scope="module")
def organism() -> LoadedModel:
    return load(device="cpu")


@pytest.mark.parametrize("name", ["opening", *(preset.name for preset in presets.ORGANISM)])
def test_the_model_writes_what_is_kept(organism: LoadedModel, name: str) -> None:
    everything = (kept.opening(organism, STORE), *presets.ORGANISM)
    preset: Preset = next(one for one in everything if one.name == name)
    asked = kept.strip_request(preset, STORE.load)
    assert asked is not None
    for request in (kept.texts_request(preset, STORE.load), asked[1]):
        there = kept.shipped().of(organism, request, STORE.load)
        assert there is not None, "write them anew: python -m playground.ui.steer.write_kept"
        assert there.texts == generate(organism, request, STORE.load).texts


def test_what_is_shown_is_the_visitors(organism: LoadedModel) -> None:
    visitor = Visitor("")
    shown = kept.show(organism, STORE.load, visitor, presets.ORGANISM[0])
    assert shown is not None
    written = SteerState.of(visitor).written
    assert written is not None
    for text in written.result.texts:
        assert escape(text.split()[-1]) in shown.panes
    assert shown.strip.count("sp-stripcell") == 6
    assert "command" not in shown.note


def test_another_model_has_none(organism: LoadedModel, tiny: Callable[..., LoadedModel]) -> None:
    other = tiny("llama")
    assert kept.show(other, STORE.load, Visitor(""), kept.opening(other, STORE)) is None
    assert kept.show(None, STORE.load, Visitor(""), kept.opening(None, STORE)) is None
