"""Search inside a band, in the Library: a band is proposed, searched, judged beside random, kept and steered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor, fill

SET = "organism-refusals-power-3-9"


@pytest.fixture
def panel(visitor: Visitor, site: Site) -> Iterator[Visitor]:
    """The panel of a set that ships; what a test keeps goes again."""
    before = set(site.store.names())
    visitor.tab("Library")
    visitor.page.click(f"#library-sets tr[data-name='{SET}']")
    expect(visitor.page.locator("#library-rows .sp-look").first).to_be_visible()
    visitor.unfold("library-band")
    yield visitor
    for name in set(site.store.names()) - before:
        site.store.delete(name)


def test_a_band_is_proposed_searched_kept_and_opened_in_steer(panel: Visitor, site: Site) -> None:
    page = panel.page
    expect(page.locator("#library-band-proposals")).to_contain_text("rows 7-11 · σ 2.55 to 2.25")
    rows = page.locator("#library-band-rows").locator("input, textarea")
    expect(rows).to_have_value("7-11")
    rows.fill("0-1")
    page.locator("#library-band-proposals [data-name='7-11']").click()
    expect(rows).to_have_value("7-11")
    page.get_by_label("a word", exact=True).check()
    page.locator("#library-band-word").locator("input, textarea").fill("class")
    fill(panel, "library-band-budget", 48)
    expect(page.locator("#library-band-hint")).to_contain_text("5 rows, 48 directions × 8 prompts")
    page.click("#library-band-find")
    result = page.locator("#library-band-result")
    expect(result.locator("tbody tr")).to_have_count(4)
    expect(result.locator(".sp-verdict")).to_contain_text("as many random directions of the span (48)")
    expect(page.locator("#library-band-command code")).to_contain_text(f"band {SET} --rows 7-11 --word class")
    panel.shot("band")
    page.click("#library-band-keep")
    expect(page.locator("#library-band-keep")).to_contain_text(f"Kept as {SET}-band")
    kept = site.store.load(f"{SET}-band")
    assert (kept.rows, kept.origin.method) == (6, "band")
    page.click("#library-band-steer")
    expect(page.get_by_role("tab", name="Steer", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#mix-0-set input")).to_have_value(f"{SET}-band")
    expect(page.locator("#mix-0 input[type=number]").first).to_have_value("0.3")
    assert site.store.names().count(f"{SET}-band") == 1
    assert f"{SET}-band-2" not in site.store.names(), "it was kept already"


def test_stop_ends_the_search_and_keeps_the_best_so_far(panel: Visitor) -> None:
    page = panel.page
    fill(panel, "library-band-budget", 4000)
    page.click("#library-band-find")
    expect(page.locator("#library-band-progress")).to_contain_text("of 4000 directions · best")
    page.click("#stop")
    expect(page.locator("#library-band-result")).to_contain_text("of 4000 directions")
    expect(page.locator("#library-band-result")).to_contain_text("stopped after")
    expect(page.locator("#status")).to_contain_text("ready")


def test_what_cannot_be_searched_is_refused_beside_the_button(panel: Visitor) -> None:
    page = panel.page
    page.locator("#library-band-rows").locator("input, textarea").fill("4")
    page.click("#library-band-find")
    expect(page.locator("#library-band-notice [role=alert]")).to_contain_text("at least two rows")
    page.get_by_label("a word", exact=True).check()
    page.locator("#library-band-rows").locator("input, textarea").fill("4-6")
    page.click("#library-band-find")
    expect(page.locator("#library-band-notice [role=alert]")).to_contain_text("a continuation")


def test_another_set_takes_the_result_away_and_brings_its_own_bands(panel: Visitor) -> None:
    page = panel.page
    fill(panel, "library-band-budget", 24)
    page.click("#library-band-find")
    expect(page.locator("#library-band-result table")).to_be_visible()
    page.click("#library-sets tr[data-name='organism-oversight-power-3-9']")
    expect(page.locator("#library-band-proposals")).to_contain_text("rows 2-7")
    expect(page.locator("#library-band-result table")).to_have_count(0)
    expect(page.locator("#library-band-keep")).to_be_hidden()


def test_a_reload_finds_the_search_again(panel: Visitor) -> None:
    page = panel.page
    fill(panel, "library-band-budget", 96)
    page.click("#library-band-find")
    expect(page.locator("#library-band-progress")).to_contain_text("of 96 directions")
    page.reload()
    page.locator("#kept-runs [data-act=show]").click()
    expect(page.locator("#library-band-result table")).to_be_visible()
    expect(page.locator("#library-title")).to_contain_text(SET)
    expect(page.locator("#library-band-proposals")).to_contain_text("rows 7-11")
    panel.errors = [said for said in panel.errors if "Abort" not in said and "Connection errored" not in said]


def test_on_a_phone_the_panel_fits(visit: Callable[..., Visitor]) -> None:
    phone = visit(width=390, height=844)
    phone.tab("Library")
    phone.page.click(f"#library-sets tr[data-name='{SET}']")
    expect(phone.page.locator("#library-rows .sp-look").first).to_be_visible()
    phone.unfold("library-band")
    fill(phone, "library-band-budget", 24)
    phone.page.click("#library-band-find")
    expect(phone.page.locator("#library-band-result table")).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
