"""The offer of a first search: only with a model that prompts are for, and what is asked of it."""

from __future__ import annotations

from playground.methods.base.registry import registered
from playground.model.load import load
from playground.ui.kit import defaults
from playground.ui.widgets.find_some import first_request, offer


def test_without_a_model_there_is_no_offer() -> None:
    assert offer(None) == ""


def test_the_offer_names_prompts_blocks_vectors_and_time() -> None:
    loaded = load()
    html = offer(loaded)
    assert 'data-act="find"' in html
    assert "8 prompts of organism-refusals, blocks 3 → 9, 12 vectors" in html


def test_the_first_search_is_what_discover_begins_with() -> None:
    loaded = load()
    request, layers = first_request(loaded), defaults.layers(loaded)
    assert (request.source, request.target, request.vectors) == (layers.source, layers.target, layers.vectors)
    assert request.method == next(iter(registered()))
    assert len(request.prompts) == 8
