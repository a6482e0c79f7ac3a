"""Steer: one click shows a difference, sliders move the plots, and bad input is one sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from visiting import SLACK, Site, Visitor

WRITING = "document.querySelector('#steer-steered .sp-text')?.innerText.length > 0"
SEVERAL = "[...document.querySelectorAll('#steer-steered .sp-text')].filter((text) => text.innerText.trim()).length > 1"
"""Several samples have words: a text that is kept of the opening prompt is one."""
SENTENCE = re.compile(r"\S.*[.!?…]$", re.DOTALL)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts end at their full length only: on a busy machine they would end by themselves before anybody stops them."""
    monkeypatch.setattr("playground.model.generation.generate._end_tokens", lambda loaded: set())


def generate(visitor: Visitor) -> None:
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")


def set_scale(visitor: Visitor, row: int, value: float) -> None:
    field = visitor.page.locator(f"#mix-{row}-scale input[type=number]")
    field.fill(str(value))
    field.press("Tab")


def texts(visitor: Visitor, side: str) -> list[str]:
    return visitor.page.locator(f"#steer-{side} .sp-text").all_inner_texts()


def test_one_click_after_opening_shows_a_true_difference(visitor: Visitor, site: Site) -> None:
    assert visitor.page.input_value("#steer-prompt textarea").strip()
    assert visitor.page.locator("#mix-0-set input").input_value() in site.store.names()
    generate(visitor)
    baseline, steered = texts(visitor, "baseline"), texts(visitor, "steered")
    assert len(baseline) == len(steered) == 1
    assert baseline[0].strip()
    assert steered[0].strip()
    assert baseline != steered
    assert visitor.page.locator("#steer-steered mark").count() > 0
    assert visitor.text("steer-command").startswith("repeat this")
    assert "python -m playground generate" in visitor.text("steer-command")
    visitor.shot("steer-desktop")


@pytest.mark.timed
def test_first_steered_token_within_a_second_of_the_click(visitor: Visitor) -> None:
    visitor.page.wait_for_selector("#steer-shifts table")
    visitor.page.wait_for_selector("#steer-curve .js-plotly-plot")
    visitor.page.wait_for_timeout(1000)  # the page is still drawing itself when its first numbers are there
    started = time.perf_counter()
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_function(WRITING, polling=20)
    took = time.perf_counter() - started
    print(f"first steered token after {took:.2f} s")
    assert took < 1.0 * SLACK


@pytest.mark.timed
def test_slider_moves_both_plots_within_half_a_second(visitor: Visitor) -> None:
    page = visitor.page
    page.wait_for_selector("#steer-shifts table")
    page.wait_for_selector("#steer-curve .js-plotly-plot")
    page.wait_for_timeout(1000)
    tokens, curve = visitor.text("steer-shifts"), visitor.text("steer-curve-note")
    kept = texts(visitor, "steered")
    started = time.perf_counter()
    # The keyboard, as somebody who cannot drag would do it.
    page.locator("#mix-0-scale input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "([tokens, curve]) => document.querySelector('#steer-shifts').innerText !== tokens && "
        "document.querySelector('#steer-curve-note').innerText !== curve",
        arg=[tokens, curve],
        polling=20,
    )
    took = time.perf_counter() - started
    print(f"slider to both plots: {took:.2f} s")
    assert took < 0.5 * SLACK
    assert texts(visitor, "steered") == kept  # nothing was generated


def test_zero_and_mute_say_that_nothing_is_added(visitor: Visitor) -> None:
    visitor.page.locator("#mix-0-mute input").check()
    generate(visitor)
    assert texts(visitor, "baseline") == texts(visitor, "steered")
    expect(visitor.page.locator("#steer-notice")).to_contain_text("Nothing is added")


def test_flip_turns_the_push_round(visitor: Visitor) -> None:
    number = visitor.page.locator("#mix-0-scale input[type=number]")
    before = float(number.input_value())
    visitor.page.click("#mix-0-flip")
    expect(number).to_have_value(str(-before))


def test_rows_can_be_added_averaged_and_removed(visitor: Visitor) -> None:
    page = visitor.page
    page.click("#mix-add-vector")
    expect(page.locator("#mix-1")).to_be_visible()
    page.click("#mix-add-average")
    expect(page.locator("#mix-2-count input[type=number]")).to_have_value("3")
    expect(page.locator("#mix-2-first input")).to_be_hidden()
    set_scale(visitor, 2, 0.4)
    expect(page.locator("#mix-2-strip")).to_contain_text("the average")
    page.click("#mix-1-remove")
    expect(page.locator("#mix-1")).to_be_hidden()
    generate(visitor)
    assert "#mean:0-3@" in visitor.text("steer-command")


def test_empty_prompt_is_answered_with_one_sentence_and_nothing_else(visitor: Visitor) -> None:
    generate(visitor)
    before = texts(visitor, "steered")
    visitor.page.fill("#steer-prompt textarea", "   ")
    visitor.page.click("#steer-generate")
    notice = visitor.page.locator("#steer-notice .sp-notice")
    expect(notice).to_contain_text("xpected")
    assert SENTENCE.match(notice.inner_text())
    assert texts(visitor, "steered") == before


def test_over_long_prompt_is_answered_with_one_sentence(visitor: Visitor) -> None:
    visitor.page.fill("#steer-prompt textarea", "kite " * 3000)
    visitor.page.click("#steer-generate")
    expect(visitor.page.locator("#steer-notice .sp-error")).to_contain_text("xpected")


def test_answers_that_cannot_be_told_apart_leave_the_next_tokens_shown(visitor: Visitor) -> None:
    visitor.page.fill("#steer-answer-1 input, #steer-answer-1 textarea", "same")
    visitor.page.fill("#steer-answer-2 input, #steer-answer-2 textarea", "same")
    expect(visitor.page.locator("#steer-curve-note .sp-warning")).to_contain_text("xpected")
    expect(visitor.page.locator("#steer-shifts table")).to_be_visible()


def test_markup_in_a_prompt_stays_text(visitor: Visitor) -> None:
    visitor.page.fill("#steer-prompt textarea", "<img src=x onerror=alert(1)> ${1+1} {{value}}")
    generate(visitor)
    assert visitor.page.locator("#steer-baseline img, #steer-steered img, #steer-command img").count() == 0
    assert "<img src=x" in visitor.text("steer-command")


def test_samples_are_shown_side_by_side(visitor: Visitor) -> None:
    page = visitor.page
    visitor.unfold("steer-options")
    page.fill("#steer-samples input[type=number]", "3")
    page.fill("#steer-temperature input[type=number]", "0.9")
    page.locator("#steer-temperature input[type=number]").press("Tab")
    generate(visitor)
    assert len(texts(visitor, "baseline")) == len(texts(visitor, "steered")) == 3


@pytest.mark.usefixtures("endless")
def test_stop_keeps_what_was_written(visitor: Visitor) -> None:
    page = visitor.page
    visitor.unfold("steer-options")
    page.fill("#steer-tokens input[type=number]", "512")
    page.fill("#steer-temperature input[type=number]", "2")
    page.fill("#steer-samples input[type=number]", "8")
    page.locator("#steer-samples input[type=number]").press("Tab")
    page.click("#steer-generate")
    page.wait_for_function(SEVERAL)  # of this run
    page.click("#stop")
    expect(page.locator("#steer-notice")).to_contain_text("Stopped")
    assert any(text.strip() for text in texts(visitor, "steered"))
    expect(page.locator("#status")).to_contain_text("ready")


def test_two_visitors_keep_their_own_prompts_and_texts(visit: Callable[..., Visitor]) -> None:
    one, two = visit(), visit()
    one.page.fill("#steer-prompt textarea", "How do I build a kite?")
    two.page.fill("#steer-prompt textarea", "What is 47 + 38?")
    one.page.click("#steer-generate")
    two.page.click("#steer-generate")
    for visitor in (one, two):
        visitor.page.wait_for_selector("#steer-command code")
    assert "kite" in one.text("steer-command")
    assert "47" in two.text("steer-command")
    assert texts(one, "baseline") != texts(two, "baseline")


@pytest.mark.usefixtures("endless")
def test_closing_the_tab_cancels_its_job(visit: Callable[..., Visitor], site: Site) -> None:
    visitor = visit()
    page = visitor.page
    visitor.unfold("steer-options")
    page.fill("#steer-tokens input[type=number]", "512")
    page.fill("#steer-samples input[type=number]", "8")
    page.fill("#steer-temperature input[type=number]", "2")
    page.locator("#steer-temperature input[type=number]").press("Tab")
    page.click("#steer-generate")
    page.wait_for_function(WRITING)
    page.close()
    deadline = time.monotonic() + 5 * SLACK
    while site.workbench.jobs.status().running is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert site.workbench.jobs.status().running is None


def test_undo_and_redo_take_the_mix_back_and_forth_by_buttons_and_keys(visitor: Visitor) -> None:
    page = visitor.page
    scale = page.locator("#mix-0-scale input[type=number]")
    before = scale.input_value()
    set_scale(visitor, 0, 0.123)
    page.wait_for_timeout(1500)
    page.click("#mix-add-vector")
    expect(page.locator("#mix-1")).to_be_visible()
    page.wait_for_timeout(1500)
    page.click("#mix-undo")
    expect(page.locator("#mix-1")).to_be_hidden()
    page.locator("#tabs").get_by_role("tab", name="Steer").focus()
    page.wait_for_timeout(1500)
    page.keyboard.press("Control+z")
    expect(scale).to_have_value(before)
    page.wait_for_timeout(1500)
    page.keyboard.press("Control+Shift+Z")
    expect(scale).to_have_value("0.123")
    page.click("#mix-redo")
    expect(page.locator("#mix-1")).to_be_visible()
    page.click("#steer-prompt textarea")
    page.keyboard.press("Control+z")
    page.wait_for_timeout(1000)
    expect(page.locator("#mix-1")).to_be_visible()
    visitor.shot("steer-undo")


def test_the_drawer_goes_back_to_a_generation_and_sets_two_side_by_side(visitor: Visitor) -> None:
    page, lines = visitor.page, visitor.page.locator("#steer-drawer li")
    generate(visitor)
    expect(lines).to_have_count(1)
    before = texts(visitor, "steered")
    scale = page.locator("#mix-0-scale input[type=number]").input_value()
    set_scale(visitor, 0, -float(scale))
    generate(visitor)
    expect(lines).to_have_count(2)
    page.locator("#steer-drawer summary").click()
    lines.last.locator("[data-act=back]").click()
    expect(page.locator("#mix-0-scale input[type=number]")).to_have_value(scale)
    expect(page.locator("#steer-steered .sp-text").first).to_have_text(before[0])
    for count in (1, 2):
        lines.nth(count - 1).locator("[data-act=pin]").click()
        expect(page.locator("#steer-drawer .sp-compare thead th")).to_have_count(count + 2)
    assert page.locator("#steer-drawer .sp-compare mark").count() > 0
    visitor.shot("steer-drawer")
