"""ui/discover/gallery: texts of the search for scales, which set a run belongs to, and Steer from a cell of a strip."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, RowNote, now
from playground.library.vector_set import VectorSet
from playground.model.prompting import PromptFormat
from playground.services.gallery import Gallery, GalleryText
from playground.services.scales import Look, ScalesProgress
from playground.services.strip import strip_of
from playground.services.words import SetWords
from playground.ui.discover import gallery
from playground.ui.discover.found import _steer_with
from playground.ui.discover.state import DiscoverState
from playground.ui.kit.visitor import Visitor


@pytest.fixture
def visitor() -> Visitor:
    origin = Origin(
        model="tiny", width=4, block_count=4, source=1, target=3, method="power", residual_norm=2.0, created=now()
    )
    visitor = Visitor("a")
    visitor.keep_found(VectorSet(torch.eye(4), origin))
    return visitor


def test_texts_of_the_search_are_shown_and_kept_unless_they_are_noise(visitor: Visitor) -> None:
    state = DiscoverState.of(visitor)
    looks = (
        Look(0, 1, 0.4, 1, "first", False, True), Look(0, 1, 0.8, 1, "la la la", True, True),
        Look(0, 1, 0.6, 1, "second", False, True),
    )  # fmt: skip
    gallery.record_looks(state, ScalesProgress(0.5, 1.0, None, False, looks), ("one", "two"))
    assert state.gallery.texts == {(0, 1): GalleryText(0.6, "second")}
    assert state.looks == {(0, 1): ["first", "second"]}
    assert state.prompt == "two"
    state.forget_gallery()
    assert (state.gallery, state.looks) == (Gallery(), {})


def test_a_star_keeps_what_is_being_written_and_another_set_ends_it(visitor: Visitor) -> None:
    begun = visitor.computed
    visitor.found = begun.with_note(0, RowNote(star=True))
    assert gallery._still(visitor, begun)
    visitor.keep_found(VectorSet(torch.eye(4)[:2], begun.origin))
    assert not gallery._still(visitor, begun)


def test_words_are_kept_and_neither_a_stop_nor_another_set_shows_any(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, state = SetWords({(0, 1): (), (0, -1): ()}, 1), DiscoverState.of(visitor)
    frame = SimpleNamespace(status="status", status_now=lambda visitor: "now")
    tab = SimpleNamespace(gallery="gallery")

    def stopped(*asked):
        yield None
        raise Cancelled

    def other_set(*asked):
        visitor.keep_found(VectorSet(torch.eye(4)[:2], visitor.computed.origin))
        yield found

    for reading, shown in ((stopped, [{"status": "now"}]), (other_set, [])):
        monkeypatch.setattr(gallery, "read_words", reading)
        assert list(gallery._read_words(frame, tab, visitor, visitor.computed)) == shown
        assert state.words is None
    monkeypatch.setattr(gallery, "read_words", lambda *asked: iter([None, found]))
    *_, last = gallery._read_words(frame, tab, visitor, visitor.computed)
    assert "sp-words" in last["gallery"]
    assert state.words is found
    state.forget_gallery()
    assert state.words is None


def test_a_cell_of_a_strip_opens_steer_at_its_scale_with_the_prompt_of_the_gallery(visitor: Visitor) -> None:
    state, opened = DiscoverState.of(visitor), []
    state.prompt, state.format, state.gallery = "Hello?", PromptFormat(), Gallery("No, never.", {}, 1.0)
    frame = SimpleNamespace(open_in_steer=lambda visitor, mix, **seen: opened.append((mix, seen)) or {})
    with pytest.raises(InputError, match="open the strip again"):
        _steer_with(frame, visitor, 1, {"multiple": "1.5"})
    state.strips[1] = strip_of(visitor.computed, 1).written(["No, never.", *["Yes, of course."] * 5])
    _steer_with(frame, visitor, 1, {"multiple": "-0.5"})
    (row,), seen = opened[0]
    assert (row.row, row.scale) == ("1", pytest.approx(-0.1))
    assert seen == {"prompt": "Hello?", "format": PromptFormat(), "answers": ("Yes,", "No,")}
