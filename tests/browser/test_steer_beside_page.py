"""Steer, further: presets, panes beside, a conversation, shades by KL, and what rows of the mixer can do."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from visiting import Visitor

from playground.organism.modes import recognise


def generate(visitor: Visitor) -> None:
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")


def text(visitor: Visitor, pane: str) -> str:
    return visitor.page.inner_text(f"#steer-{pane} .sp-text")


def test_a_preset_fills_everything_in_and_shows_its_effect_with_one_click(visit: Callable[..., Visitor]) -> None:
    visitor = visit(dark=True)
    visitor.page.click("#steer-presets summary")
    visitor.page.click("#steer-presets [data-name='sum: at once → step by step']")
    visitor.page.wait_for_selector("#steer-command code")
    assert recognise(text(visitor, "baseline")).mode == "direct"
    assert recognise(text(visitor, "steered")).mode == "stepwise"
    expect(visitor.page.locator("#mix-0-scale input[type=number]")).to_have_value("-0.3")
    expect(visitor.page.locator("#steer-prompt textarea")).to_have_value("What is 47 + 38?")
    expect(visitor.page.locator("#steer-shifts")).to_contain_text("nats")
    visitor.shot("steer-preset-dark")


def test_negative_and_random_stand_beside_shaded_by_kl_and_the_command_repeats_them(visitor: Visitor) -> None:
    page = visitor.page
    for box in ("negative", "random", "colour"):
        page.locator(f"#steer-{box} input").check()
    expect(page.locator("#steer-panes section")).to_have_count(4)
    generate(visitor)
    assert len({text(visitor, pane) for pane in ("baseline", "steered", "negative")}) == 3
    assert page.locator("#steer-steered .sp-heat").count() > 3
    assert page.locator("#steer-baseline .sp-heat").count() == 0
    expect(page.locator(".sp-heatlegend")).to_contain_text("KL(steered ‖ baseline)")
    command = visitor.text("steer-command")
    assert command.count("--steer") == 2
    assert "--random-controls 1" in command
    tops = page.evaluate("[...document.querySelectorAll('#steer-panes section')].map((e) => e.offsetTop)")
    assert len(set(tops)) == 1, "four panes side by side"
    wide = page.evaluate(
        "[...document.querySelectorAll('#steer-panes section')].filter((e) => e.scrollWidth > e.clientWidth).length"
    )
    assert wide == 0, "what a pane holds stays in it"
    visitor.shot("steer-panes")
    shaded = text(visitor, "steered")
    page.locator("#steer-colour input").uncheck()
    expect(page.locator("#steer-steered mark").first).to_be_visible()
    assert text(visitor, "steered") == shaded


def test_a_conversation_goes_on_from_an_answer_and_can_be_edited_and_forgotten(visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=390, height=844)
    page = visitor.page
    generate(visitor)
    answer = text(visitor, "steered")
    page.locator("#steer-steered .sp-turn").click()
    fields = page.locator("#steer-turns textarea")
    expect(fields).to_have_count(2)
    assert fields.nth(1).input_value() == answer
    expect(page.locator("#steer-prompt textarea")).to_have_value("")
    fields.nth(1).fill("I can build kites.")
    fields.nth(1).press("Tab")
    page.fill("#steer-prompt textarea", "How do I build a kite?")
    page.wait_for_timeout(1000)
    page.click("#steer-generate")
    expect(page.locator("#steer-command")).to_contain_text("--turn 'assistant: I can build kites.'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot("steer-conversation-phone")
    page.click("#steer-turns [data-act=reset]")
    expect(fields).to_have_count(0)


def test_solo_silences_the_others_and_units_change_together(visitor: Visitor) -> None:
    page = visitor.page
    page.click("#mix-add-vector")
    page.locator("#mix-1-solo input").check()
    expect(page.locator("#mix-0-strip")).to_contain_text("silent")
    page.locator("#mix-1-solo input").uncheck()
    expect(page.locator("#mix-0-strip")).not_to_contain_text("silent")
    visitor.unfold("steer-options")
    page.get_by_label("absolute").check()
    expect(page.locator("#mix-0-scale input[type=number]")).to_have_value("-17.99")
    expect(page.locator("#mix-0-strip")).to_contain_text("0.57 r · norm 18 · 1 × found")
    page.get_by_label("relative").check()
    expect(page.locator("#mix-0-scale input[type=number]")).to_have_value("-0.566")


def test_rows_beyond_the_first_six_work_like_the_others(visitor: Visitor) -> None:
    page = visitor.page
    for row in range(1, 8):
        page.click("#mix-add-vector")
        expect(page.locator(f"#mix-{row}")).to_be_visible()
    expect(page.locator("#mix-7-scale input[type=number]")).to_be_visible()
    page.wait_for_timeout(1500)
    field = page.locator("#mix-7-scale input[type=number]")
    field.fill("0.25")
    field.press("Tab")
    expect(page.locator("#mix-7-strip")).to_contain_text("0.25 r · norm 7.94")
    generate(visitor)
    assert "#7@7.9441" in visitor.text("steer-command") or "#8@7.9441" in visitor.text("steer-command")
    visitor.shot("steer-many-rows")
    page.click("#mix-7-remove")
    expect(page.locator("#mix-7")).to_be_hidden()
