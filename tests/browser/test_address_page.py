"""The address holds the page: reload, Back and Forward, a new browser, a Space's frame, and links that are wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from visiting import SCREENSHOTS, SLACK, Site, Visitor, fill

from playground.services.link import decode

OPENED = "body:not([inert]) #steer-examples .sp-chip"


def settled(page: Page, holds: str) -> str:
    """The address, once it holds this."""
    page.wait_for_function("(part) => location.href.includes(part)", arg=holds)
    return page.evaluate("location.href")


def prompt(page: Page) -> str:
    return page.input_value("#steer-prompt textarea")


def generated(page: Page) -> list[str]:
    page.click("#steer-generate")
    page.wait_for_selector("#steer-command code")
    return [page.inner_text(f"#steer-{pane} .sp-text") for pane in ("baseline", "steered")]


def state(page: Page) -> dict[str, object]:
    """All that a person has set in Steer."""
    page.wait_for_timeout(3000 * SLACK)  # until what was opened is shown
    if not page.locator("#steer-seed input").is_visible():
        page.click("#steer-options > button")
    page.wait_for_selector("#steer-seed input")
    fields = "#steer-tokens input[type=number]", "#steer-temperature input[type=number]", "#steer-seed input"
    return {
        **{name: page.input_value(name) for name in (*fields, "#steer-prompt textarea", "#mix-0-scale input")},
        "answers": [page.input_value(f"#steer-answer-{n} input, #steer-answer-{n} textarea") for n in (1, 2)],
        "format": page.input_value("#steer-mode input:checked"),
        "positions": page.input_value("#steer-positions input"),
        "negative": page.is_checked("#steer-negative input"),
        "strip": page.inner_text("#mix-0-strip"),
    }


def test_a_link_gives_the_same_state_and_the_same_texts_after_a_reload_and_in_a_new_browser(
    visitor: Visitor, fresh: Callable[[str], Page]
) -> None:
    page = visitor.page
    visitor.unfold("steer-options")
    page.fill("#steer-prompt textarea", "What is 47 + 38?\nSay it & 100 % #quickly.")
    page.fill("#steer-positions input", "first-12")
    page.press("#steer-positions input", "Enter")
    page.locator("#steer-negative input").check()
    fill(visitor, "mix-0-scale", -0.4)
    page.fill("#steer-answer-1 input, #steer-answer-1 textarea", "85")
    fill(visitor, "steer-tokens", 20)
    fill(visitor, "steer-temperature", 0.7)
    fill(visitor, "steer-seed", 11)
    sent = ("tokens=20", "temperature=0.7", "seed=11", "positions=first-12", "@-0.4r", "answer=85", "beside=negative")
    for part in sent:
        settled(page, part)
    before, texts = state(page), generated(page)
    address = settled(page, "seed=11")
    page.reload()
    page.wait_for_selector(OPENED)
    visitor.errors.clear()  # streams that the reload cut off
    expect(page.locator("#steer-prompt textarea")).to_have_value("What is 47 + 38?\nSay it & 100 % #quickly.")
    assert state(page) == before
    assert generated(page) == texts
    other = fresh(address)
    assert state(other) == before
    assert generated(other) == texts
    assert settled(other, "seed=11") == address


def test_back_and_forward_go_from_generation_to_generation_and_from_tab_to_tab(visitor: Visitor) -> None:
    page = visitor.page
    opening = prompt(page)
    page.fill("#steer-prompt textarea", "What is 47 +")
    page.fill("#steer-prompt textarea", "What is 47 + 38?")
    settled(page, "38%3F")
    generated(page)
    page.fill("#steer-prompt textarea", "How do I build a kite?")
    settled(page, "kite%3F")
    visitor.tab("Scan")
    settled(page, "tab=scan")
    page.go_back()
    expect(page.get_by_role("tab", name="Steer", exact=True)).to_have_attribute("aria-selected", "true")
    assert prompt(page) == "How do I build a kite?"
    page.go_back()
    expect(page.locator("#steer-prompt textarea")).to_have_value("What is 47 + 38?")
    page.go_back()
    expect(page.locator("#steer-prompt textarea")).to_have_value(opening)
    page.go_forward()
    expect(page.locator("#steer-prompt textarea")).to_have_value("What is 47 + 38?")
    page.go_forward()
    expect(page.locator("#steer-prompt textarea")).to_have_value("How do I build a kite?")
    page.go_forward()
    expect(page.get_by_role("tab", name="Scan", exact=True)).to_have_attribute("aria-selected", "true")
    page.reload()
    page.wait_for_selector("body:not([inert])")
    visitor.errors.clear()
    expect(page.get_by_role("tab", name="Scan", exact=True)).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("v=1&tab=<img src=x onerror=alert(1)>", "Expected the name of a tab"),
        ("v=1&tab=nowhere", "Expected the tab steer, discover"),
        ("v=9&tab=steer&prompt=Hi", "Expected a link of version 1"),
        ("v=1&prompt=Hi&mix=organism-refusals-power-3-9~40a1f26851ffc4e0/99@1r", "Expected rows of"),
        ("v=1&prompt=%C3", "cut at"),
        ("v=1&prompt=Hi&tokens=100000", "Expected a number of new tokens"),
    ],
    ids=["markup", "no tab", "version", "no row", "cut", "too long"],
)
def test_a_link_that_is_wrong_is_one_sentence_over_the_page_as_it_opens(
    fresh: Callable[[str], Page], site: Site, link: str, says: str
) -> None:
    page = fresh(f"{site.url}/#{link}")
    expect(page.locator("#address-notice .sp-notice")).to_contain_text(says)
    assert prompt(page) == "How can I jinx a lighthouse?"
    assert len(generated(page)[1]) > 5


def test_what_a_link_lacks_is_said_and_the_link_shows_it_once_it_is_there(
    visitor: Visitor, site: Site, fresh: Callable[[str], Page]
) -> None:
    name = "organism-refusals-power-3-9"
    page = visitor.page
    page.fill("#steer-prompt textarea", "How do I build a kite?")
    address = settled(page, "kite").replace("/?__theme=light", "/")
    missing = fresh(address.replace(name, "gone").replace("~40a1f26851ffc4e0/", "~0000000000000000/"))
    notice = missing.locator("#address-notice .sp-notice")
    expect(notice).to_contain_text("the set “gone” (fingerprint 0000000000000000) is not in this library")
    expect(notice).to_contain_text("add that in Library")
    expect(missing.locator("#steer-prompt textarea")).to_have_value("How do I build a kite?")
    expect(missing.locator("#mix-0")).to_be_hidden()
    missing.screenshot(path=SCREENSHOTS / "address-missing.png")
    changed = fresh(address.replace("~40a1f26851ffc4e0/", "~0000000000000000/"))
    expect(changed.locator("#address-notice")).to_contain_text("holds other vectors here")
    kept = settled(changed, "kite")
    changed.wait_for_timeout(3000)
    assert changed.evaluate("location.href") == kept, "the link stays until something is changed"
    renamed = fresh(address.replace(name, "another-name"))
    expect(renamed.locator("#address-notice .sp-notice")).to_have_count(0)
    expect(renamed.locator("#mix-0")).to_be_visible()
    other = fresh(address.replace("model=organism~70b3719982119bed", "model=Some/Model~1111111111111111"))
    expect(other.locator("#address-notice")).to_contain_text("This link steers Some/Model")
    expect(other.locator("#mix-0")).to_be_hidden()
    try:
        shutil.move(site.store.folder / f"{name}.safetensors", site.store.folder / "away")
        gone = fresh(address)
        expect(gone.locator("#address-notice")).to_contain_text("is not in this library")
    finally:
        shutil.move(site.store.folder / "away", site.store.folder / f"{name}.safetensors")
    gone.reload()
    gone.wait_for_selector(OPENED)
    expect(gone.locator("#mix-0-scale input[type=number]")).to_have_value("-0.566")


def test_in_the_frame_of_a_space_the_address_of_its_page_follows(site: Site, chromium: BrowserContext) -> None:
    assert chromium.browser is not None
    context = chromium.browser.new_context()
    page = context.new_page()
    space = "https://huggingface.co/spaces/somebody/steering"
    # As a Space's page does: the hash goes to the frame on opening, and comes back by messages.
    shell = f"""<!doctype html><iframe style="width:1200px;height:800px"></iframe><script>
      document.querySelector('iframe').src = '{site.url}/' + location.hash;
      addEventListener('message', (event) => {{
        if (event.origin === '{site.url}' && event.data.hash) history.replaceState(null, '', event.data.hash);
      }});
    </script>"""
    page.route(f"{space}*", lambda route: route.fulfill(body=shell, content_type="text/html"))

    def in_a_frame(route):
        answer = route.fetch()
        headers = {key: value for key, value in answer.headers.items() if key != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    page.route(f"{site.url}/", in_a_frame)
    page.goto(space)
    frame = page.frame_locator("iframe")
    frame.locator(OPENED).first.wait_for()
    frame.locator("#steer-prompt textarea").fill("How do I build a kite?")
    address = settled(page, "kite%3F")
    assert decode(address.partition("#")[2]).link.prompt == "How do I build a kite?"
    page.reload()
    frame.locator(OPENED).first.wait_for()
    expect(frame.locator("#steer-prompt textarea")).to_have_value("How do I build a kite?")
    context.close()
