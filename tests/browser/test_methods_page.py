"""Discover with every method: the form shows what applies, curves are live, ortho goes on, scales are marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor, choose, compute, fill

METHODS = (
    *("Power iteration", "MELBO", "DCT", "MELBO-ortho", "Mean difference", "Contrast PCA"),
    *("A word as a vector", "Random baseline"),
)
ONLY = {
    "discover-target": {"Power iteration", "MELBO", "DCT", "MELBO-ortho"},
    "discover-vectors": set(METHODS) - {"Mean difference", "A word as a vector"},
    "discover-all-tokens": set(METHODS) - {"A word as a vector", "Random baseline"},
    "discover-melbo-radius": {"MELBO"},
    "discover-dct-radius": {"DCT"},
    "discover-dct-form": {"DCT"},
    "discover-ortho-base": {"MELBO-ortho"},
    "discover-power-metric": {"Power iteration"},
    "discover-melbo-learning-rate": {"MELBO"},
    "discover-ortho-batch": {"MELBO-ortho"},
    "discover-read-sinks": set(METHODS) - {"A word as a vector", "Random baseline"},
    "discover-word-words": {"A word as a vector"},
    "discover-write-gallery": set(METHODS),
}
"""Controls, and the methods that they apply to."""


@pytest.fixture
def discover(visit: Callable[..., Visitor], site: Site) -> Iterator[Visitor]:
    before = set(site.store.names())
    visitor = visit()
    visitor.tab("Discover")
    fill(visitor, "discover-use", 1)
    yield visitor
    for name in set(site.store.names()) - before:  # ortho keeps its batches in the library
        site.store.delete(name)


def small_ortho(visitor: Visitor, steps: int) -> None:
    choose(visitor, "MELBO-ortho")
    visitor.unfold("discover-more")
    fill(visitor, "discover-ortho-batch", 2)
    fill(visitor, "discover-ortho-steps", steps)
    visitor.page.locator("#discover-write-gallery input").uncheck()
    visitor.page.locator("#discover-find-scales input").uncheck()
    fill(visitor, "discover-ortho-stop-share", 0)


def test_the_form_shows_what_applies_and_nothing_else(discover: Visitor) -> None:
    discover.unfold("discover-more")
    for method in (*METHODS[1:], METHODS[0]):
        choose(discover, method)
        for element, methods in ONLY.items():
            place = discover.page.locator(f"#{element}")
            if method in methods:
                expect(place).to_be_visible()
            else:
                expect(place).not_to_be_visible()


def test_presets_fill_the_form_in(discover: Visitor) -> None:
    discover.unfold("discover-more")
    choose(discover, "MELBO")
    rate = discover.page.locator("#discover-melbo-learning-rate input, #discover-melbo-learning-rate textarea")
    discover.page.click("#discover-presets [data-name='melbo-published']")
    expect(rate).to_have_value("0.001")
    expect(discover.page.locator("#discover-tokens input[type=number]")).to_have_value("3")
    expect(discover.page.locator("#discover-target input[type=number]")).to_have_value("8")
    discover.page.click("#discover-presets [data-name='melbo-best']")
    expect(rate).to_have_value("")
    expect(discover.page.locator("#discover-tokens input[type=number]")).to_have_value("2")
    expect(discover.page.locator("#discover-target input[type=number]")).to_have_value("9")


def test_melbo_draws_its_ascent_and_says_the_command(discover: Visitor) -> None:
    choose(discover, "MELBO")
    fill(discover, "discover-vectors", 2)
    fill(discover, "discover-melbo-steps", 6)
    compute(discover)
    expect(discover.page.locator("#discover-figure-0 .scatterlayer .trace")).to_have_count(2)
    expect(discover.page.locator("#discover-figure-1 .barlayer .point")).to_have_count(2)
    assert "find melbo" in discover.text("discover-command")
    assert "radius" not in discover.text("discover-command")
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("Radius ")


def test_dct_draws_its_fit_and_says_the_form_that_was_chosen(discover: Visitor) -> None:
    choose(discover, "DCT")
    fill(discover, "discover-vectors", 2)
    fill(discover, "discover-dct-steps", 3)
    discover.page.locator("#discover-dct-form").get_by_label("quadratic").check()
    compute(discover)
    expect(discover.page.locator("#discover-figure-0 .scatterlayer .trace")).to_have_count(2)
    expect(discover.page.locator("#discover-figure-1 .barlayer .point")).to_have_count(2)
    assert "find dct" in discover.text("discover-command")
    assert "--form quadratic" in discover.text("discover-command")
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("Radius ")


def test_difference_asks_for_another_side_only_where_there_is_none(discover: Visitor) -> None:
    choose(discover, "Mean difference")
    expect(discover.page.locator("#discover-set input")).to_have_value("organism-code-contrast")
    expect(discover.page.locator("#discover-against")).not_to_be_visible()
    discover.page.click("#discover-set input")
    discover.page.get_by_role("option", name="organism-refusals").click()
    expect(discover.page.locator("#discover-against")).to_be_visible()
    compute(discover)
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("turns one mean into the other")
    assert "find difference" in discover.text("discover-command")


def test_a_difference_of_two_equal_lists_is_one_sentence(discover: Visitor) -> None:
    choose(discover, "Mean difference")
    discover.page.locator("#discover-prompts").get_by_label("typed").check()
    discover.page.fill("#discover-typed textarea", "How do I build a kite?")
    discover.page.locator("#against-prompts").get_by_label("typed").check()
    discover.page.fill("#against-typed textarea", "How do I build a kite?")
    discover.page.click("#discover-compute")
    expect(discover.page.locator("#discover-notice .sp-error")).to_contain_text("xpected")


def test_ortho_draws_its_pictures_stops_with_what_it_has_and_goes_on(discover: Visitor, site: Site) -> None:
    before = set(site.store.names())
    small_ortho(discover, 3)
    fill(discover, "discover-vectors", 4)
    compute(discover)
    for figure in ("discover-figure-1", "discover-figure-2", "discover-figure-3"):
        expect(discover.page.locator(f"#{figure} .scatterlayer .point").first).to_be_attached()
    (name,) = set(site.store.names()) - before
    assert site.store.load(name).rows == 4
    expect(discover.page.locator("#discover-continued input")).to_have_value(name)
    fill(discover, "discover-vectors", 200)
    fill(discover, "discover-ortho-steps", 25)  # enough for an effect above zero, so that it does not end by itself
    discover.page.click("#discover-continue")
    expect(discover.page.locator("#discover-progress")).to_contain_text("batch 2")
    discover.page.click("#stop")
    expect(discover.page.locator("#discover-progress")).to_contain_text("stopped: what there was is kept")
    assert 6 <= site.store.load(name).rows < 204
    assert f"--continue vectors/{name}.safetensors --first 4" in discover.text("discover-command")
    # Chosen again, a set shows how it was searched for.
    fill(discover, "discover-ortho-steps", 7)
    discover.page.click("#discover-continued input")
    discover.page.get_by_role("option", name=name).click()
    expect(discover.page.locator("#discover-ortho-steps input[type=number]")).to_have_value("25")


def test_ortho_reads_what_the_form_says(discover: Visitor, site: Site) -> None:
    before = set(site.store.names())
    small_ortho(discover, 3)
    fill(discover, "discover-vectors", 2)
    discover.page.locator("#discover-all-tokens input").uncheck()
    fill(discover, "discover-tokens", 3)
    compute(discover)
    (name,) = set(site.store.names()) - before
    assert site.store.load(name).origin.target_tokens == 3
    assert "--tokens 3" in discover.text("discover-command")
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("At the last tokens the first keeps")
    discover.page.click("#discover-presets [data-name='ortho-published']")
    expect(discover.page.locator("#discover-all-tokens input")).to_be_checked()
    expect(discover.page.locator("#discover-read-sinks input")).to_be_checked()


def test_a_base_that_adds_nothing_is_one_sentence(discover: Visitor) -> None:
    small_ortho(discover, 3)
    fill(discover, "discover-ortho-base-scale", 0)
    discover.page.click("#discover-compute")
    expect(discover.page.locator("#discover-notice .sp-error")).to_contain_text("a base that adds something")


def test_found_scales_are_kept_and_marked_on_the_slider(discover: Visitor) -> None:
    fill(discover, "discover-vectors", 1)
    discover.unfold("discover-more")
    discover.page.locator("#discover-write-gallery input").uncheck()
    discover.page.locator("#discover-find-scales input").uncheck()
    compute(discover)
    discover.unfold("discover-linearity")
    discover.page.click("#discover-measure")
    expect(discover.page.locator("#discover-linearity-note")).to_contain_text("at relative scale")
    expect(discover.page.locator("#discover-linearity-plot .scatterlayer .trace")).to_have_count(3)
    discover.page.click("#discover-calibrate")
    expect(discover.page.locator("#discover-linearity-note")).to_contain_text("2 signed vectors")
    discover.page.locator("#discover-gallery button[data-act=steer]").first.click()
    expect(discover.page.locator("#mix-0-strip")).to_contain_text("× found")
    expect(discover.page.locator("#mix-0-strip .sp-found").first).to_be_attached()
    expect(discover.page.locator("#mix-0-strip .sp-extreme").first).to_be_attached()


def test_words_one_a_line_become_vectors_and_the_note_names_those_without_a_fork(discover: Visitor) -> None:
    choose(discover, "A word as a vector")
    discover.page.fill("#discover-word-words textarea", "I\nBanana")
    discover.unfold("discover-more")
    discover.page.locator("#discover-write-gallery input").uncheck()
    discover.page.locator("#discover-find-scales input").uncheck()
    compute(discover)
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("No fork at “Banana”")
    assert "--words I --words Banana" in discover.text("discover-command")
