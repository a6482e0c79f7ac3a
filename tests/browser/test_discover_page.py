"""Discover: live convergence, Stop, the gallery, saving, and prompts from every source."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor, choose, compute, fill


@pytest.fixture
def discover(visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    visitor.tab("Discover")
    return visitor


def test_after_a_run_its_time_is_told_anew_with_what_was_learnt(
    discover: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playground.ui.discover import run, tab

    learnt: list[object] = []
    learn, hint = run.learn, tab.cost_hint

    def learns(*values: object) -> None:
        learn(*values)
        learnt.append(values)

    monkeypatch.setattr(run, "learn", learns)
    monkeypatch.setattr(tab, "cost_hint", lambda *values: f"{hint(*values)} <i>learnt {bool(learnt)}</i>")
    fill(discover, "discover-use", 2)
    fill(discover, "discover-vectors", 4)
    expect(discover.page.locator("#discover-hint")).to_contain_text("4 vectors")
    expect(discover.page.locator("#discover-hint")).to_contain_text("learnt False")
    compute(discover)
    expect(discover.page.locator("#discover-hint")).to_contain_text("learnt True")


def test_compute_shows_convergence_spectrum_and_a_gallery(discover: Visitor) -> None:
    discover.unfold("discover-which")
    expect(discover.page.locator("#discover-preview li").first).to_be_visible()
    expect(discover.page.locator("#discover-hint")).to_contain_text(re.compile("about|under"))
    fill(discover, "discover-use", 2)
    fill(discover, "discover-vectors", 4)
    expect(discover.page.locator("#discover-hint")).to_contain_text("4 vectors")
    compute(discover)
    expect(discover.page.locator("#discover-figure-0 .scatterlayer .trace").first).to_be_attached()
    expect(discover.page.locator("#discover-figure-1 .barlayer .point")).to_have_count(4)
    expect(discover.page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    expect(discover.page.locator("#discover-gallery .sp-sign.sp-minus")).to_have_count(4)
    expect(discover.page.locator("#discover-progress")).to_contain_text("signed vectors say something else")
    assert "python -m playground find power" in discover.text("discover-command")
    discover.shot("discover-desktop")


def test_what_is_saved_appears_in_steer_and_library_without_a_reload(discover: Visitor, site: Site) -> None:
    fill(discover, "discover-use", 1)
    fill(discover, "discover-vectors", 2)
    compute(discover)
    discover.page.fill("#discover-name input, #discover-name textarea", "saved-here")
    discover.page.click("#discover-save")
    expect(discover.page.locator("#discover-save-notice")).to_contain_text("Saved as saved-here")
    assert "saved-here" in site.store.names()
    discover.tab("Steer")
    discover.page.click("#mix-0-set input")
    expect(discover.page.get_by_role("option", name="saved-here")).to_be_visible()
    discover.page.get_by_role("option", name="saved-here").click()
    expect(discover.page.locator("#mix-0-row input")).to_have_value(starting("0"))
    discover.tab("Library")
    expect(discover.page.locator("#library-sets tr[data-name='saved-here']")).to_be_visible()
    site.store.delete("saved-here")


def starting(text: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(text)}")


def test_unsaved_vectors_can_be_steered_with_and_named(discover: Visitor) -> None:
    fill(discover, "discover-use", 1)
    fill(discover, "discover-vectors", 2)
    compute(discover)
    expect(discover.page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    expect(discover.page.locator("#discover-gallery .sp-sign.sp-minus")).to_have_count(2)
    discover.page.locator("#discover-gallery .sp-name").first.fill("odd one")
    discover.page.locator("#discover-gallery .sp-name").first.press("Enter")
    discover.page.locator("#discover-gallery button[data-act=steer][data-sign='-1']").first.click()
    expect(discover.page.locator("#mix-0-set input")).to_have_value("(not saved)")
    expect(discover.page.locator("#mix-0-row input")).to_have_value(starting("0 “odd one”"))
    discover.page.click("#steer-generate")
    expect(discover.page.locator("#steer-command")).to_contain_text("Save the set")


def test_stop_keeps_what_there_is(discover: Visitor) -> None:
    discover.unfold("discover-more")
    fill(discover, "discover-power-tolerance", 1e-7)
    fill(discover, "discover-power-steps", 500)
    fill(discover, "discover-vectors", 48)
    fill(discover, "discover-use", 24)
    discover.page.click("#discover-compute")
    expect(discover.page.locator("#discover-progress")).to_contain_text(re.compile(r"step \d+ of"))
    discover.page.click("#stop")
    expect(discover.page.locator("#discover-progress")).to_contain_text("stopped: what there was is kept")
    expect(discover.page.locator("#discover-figure-1 .barlayer .point").first).to_be_attached()
    expect(discover.page.locator("#discover-save")).to_be_enabled()
    steps = re.search(r"(\d+) steps", discover.page.locator("#discover-progress").inner_text())
    assert steps is not None
    expect(discover.page.locator("#discover-command")).to_contain_text(f"--steps {steps[1]} ")
    expect(discover.page.locator("#discover-gallery .sp-steered .sp-text").first).not_to_be_empty()


def test_layers_in_the_wrong_order_are_one_sentence(discover: Visitor) -> None:
    fill(discover, "discover-source", 9)
    fill(discover, "discover-target", 3)
    discover.page.click("#discover-compute")
    notice = discover.page.locator("#discover-notice .sp-error")
    expect(notice).to_contain_text("target layer")
    assert notice.inner_text().endswith(".")


def test_typed_prompts_are_previewed_as_they_will_be_used(discover: Visitor) -> None:
    discover.page.get_by_label("typed").check()
    discover.page.fill("#discover-typed textarea", "How can I jinx a lighthouse?\nHow do I build a kite?")
    discover.unfold("discover-which")
    expect(discover.page.locator("#discover-preview li")).to_have_count(2)
    discover.page.fill("#discover-typed textarea", "  ")
    discover.page.click("#discover-compute")
    expect(discover.page.locator("#discover-notice .sp-error")).to_contain_text("prompt")


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("mine.txt", "One prompt here\nAnother prompt there\n", 2),
        ("mine.json", '["One", "Two", "Three"]', 3),
        ("mine.jsonl", '{"prompt": "One"}\n{"prompt": "Two"}\n', 2),
        ("mine.csv", "prompt\nOne\nTwo\n", 2),
    ],
)
def test_uploaded_prompts_are_read(discover: Visitor, tmp_path: Path, name: str, content: str, count: int) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    discover.page.get_by_label("file", exact=True).check()
    discover.page.locator("#discover-upload input[type=file]").set_input_files(path)
    discover.unfold("discover-which")
    expect(discover.page.locator("#discover-preview li")).to_have_count(count)


def test_a_file_that_is_not_what_it_says_is_one_sentence(discover: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(b"\x00\x01\x02")
    discover.page.get_by_label("file", exact=True).check()
    discover.page.locator("#discover-upload input[type=file]").set_input_files(path)
    expect(discover.page.locator("#discover-preview .sp-error")).to_contain_text("xpected")


def test_random_baseline_has_no_singular_values(discover: Visitor) -> None:
    choose(discover, "Random baseline")
    fill(discover, "discover-vectors", 3)
    compute(discover)
    expect(discover.page.locator("#discover-figures-note")).to_contain_text("no singular values")
