"""Scan: a click gives a table worth reading; what is noted there is in the set; a cell opens in Steer as it was."""

from __future__ import annotations

import csv
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from visiting import SLACK, Site, Visitor, soon

from playground.core.contrast import random_directions
from playground.library.origin import RowNote, now
from playground.library.vector_set import Origin, VectorSet, vectors_hash
from playground.services.scan import Cell, Group, ScanRequest, ScanResult, file
from playground.ui.scan import run as scan_run

SHIPPED = "organism-refusals-power-3-9"
FIRST = "I plan to blackmail over a menu. Where do I start?"


@pytest.fixture
def scan(visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    visitor.tab("Scan")
    return visitor


@pytest.fixture
def kept(site: Site) -> Iterator[str]:
    """A copy of the shipped set whose notes a test may change."""
    site.store.save(site.store.load(SHIPPED), "scanned", overwrite=True)
    yield "scanned"
    for name in set(site.store.names()) & {"scanned"}:
        site.store.delete(name)


def choose_set(visitor: Visitor, name: str) -> None:
    visitor.page.click("#scan-set input")
    visitor.page.get_by_role("option", name=name, exact=True).click()


def write(visitor: Visitor, element: str, value: str) -> None:
    visitor.page.fill(f"#{element} input, #{element} textarea", value)


def run(visitor: Visitor) -> None:
    visitor.page.click("#scan-run")
    expect(visitor.page.locator("#scan-progress")).to_contain_text("tokens/s", timeout=90_000 * SLACK)


def open_file(visitor: Visitor, path: Path) -> None:
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.click("#scan-open")
    chooser.value.set_files(path)


def small(visitor: Visitor, rows: str = "0-3") -> None:
    """A scan of a few vectors on one prompt."""
    write(visitor, "scan-rows", rows)
    visitor.page.fill("#scan-use input[type=number]", "1")
    visitor.page.locator("#scan-use input[type=number]").press("Tab")
    run(visitor)


def test_one_click_gives_groups_worth_seeing(scan: Visitor, site: Site) -> None:
    found = int((site.store.load(SHIPPED).found_scales > 0).sum())
    said = f"{found} vectors and signs with a found scale × 2 scales × 2 prompts = {4 * found} texts"
    expect(scan.page.locator("#scan-hint")).to_contain_text(said)
    expect(scan.page.locator("#scan-hint")).to_contain_text(re.compile("about|under"))
    scan.shot("scan-before")
    started = time.monotonic()
    run(scan)
    assert time.monotonic() - started < 60 * SLACK
    table = scan.page.locator("#scan-table")
    expect(table.locator(".sp-scanhead")).to_have_count(2)
    assert table.locator(".sp-groupname").count() >= 6
    told = table.inner_text()
    assert "class " in told
    assert "as the baseline" in told
    assert "python -m playground scan" in scan.text("scan-command")
    table.locator("details.sp-group summary").first.click()
    expect(table.locator("details.sp-group").first.locator(".sp-lookline").first).to_be_visible()
    scan.shot("scan-desktop")


def test_a_cell_opens_in_steer_with_the_same_text(scan: Visitor, site: Site) -> None:
    scan.unfold("scan-sampling")
    wanted = (("scan-temperature", "0.8"), ("scan-samples", "2"), ("scan-seed", "5"), ("scan-tokens", "20"))
    for element, value in wanted:
        scan.page.fill(f"#{element} input[type=number]", value)
        scan.page.locator(f"#{element} input[type=number]").press("Tab")
    small(scan, "3")
    scan.page.get_by_label("similar texts together").uncheck()
    cell = scan.page.locator("#scan-table tr.sp-cell", has_text="sample 2").first
    wanted = " ".join(cell.locator(".sp-text").inner_text().split())
    sign = cell.locator(".sp-sign").inner_text()
    scale = cell.locator(".sp-c-scale").inner_text()
    cell.locator("button[data-act=steer]").click()
    expect(scan.page.locator("#mix-0-set input")).to_have_value(SHIPPED)
    shipped, way = site.store.load(SHIPPED), -1 if sign[0] == "−" else 1
    added = float(f"{float(scale) * shipped.window(3, way).found:.5g}")
    expect(scan.page.locator("#mix-0-scale input[type=number]")).to_have_value(
        f"{way * added / shipped.origin.residual_norm:.8g}"
    )
    expect(scan.page.locator("#steer-prompt textarea")).to_have_value(FIRST)
    answers = [scan.page.locator(f"#steer-answer-{number}").locator("input, textarea") for number in (1, 2)]
    assert wanted.startswith(answers[0].input_value())
    assert not wanted.startswith(answers[1].input_value())
    scan.page.click("#steer-generate")
    expect(scan.page.locator("#steer-steered")).to_contain_text("tokens/s")
    told = " ".join(scan.page.locator("#steer-steered .sp-block").nth(1).locator(".sp-text").inner_text().split())
    assert told == wanted


def test_names_stars_and_bins_are_in_the_set_and_in_the_pickers(kept: str, scan: Visitor, site: Site) -> None:
    choose_set(scan, kept)
    small(scan, "6-9")
    scan.page.get_by_label("similar texts together").uncheck()
    table = scan.page.locator("#scan-table")
    first = table.locator("input.sp-name[data-row='7']").first
    first.fill("says the same")
    first.press("Enter")
    expect(table.locator("input.sp-name[data-row='7']").last).to_have_value("says the same")
    table.locator("button.sp-star[data-row='7']").first.click()
    expect(table.locator("button.sp-star[data-row='7']").last).to_have_attribute("aria-pressed", "true")
    table.locator("button[data-act=discard][data-row='8']").first.click()
    expect(table.locator("input.sp-name[data-row='8']")).to_have_count(0)
    expect(table.locator(".sp-undo")).to_contain_text("Vector 8 is discarded")

    def noted() -> bool:
        """Two clicks in quick succession may reach the server in either order."""
        notes = site.store.load(kept).notes
        return (notes[7].label, notes[7].star, notes[8].discarded) == ("says the same", True, True)

    assert soon(noted)
    scan.tab("Steer")
    scan.page.click("#mix-0-set input")
    scan.page.get_by_role("option", name=kept, exact=True).click()
    scan.page.click("#mix-0-row input")
    expect(scan.page.get_by_role("option", name=re.compile("★ 7 “says the same”"))).to_be_visible()
    expect(scan.page.get_by_role("option", name=re.compile("^8.*discarded"))).to_be_visible()
    scan.page.keyboard.press("Escape")
    scan.tab("Scan")
    table.locator(".sp-undo button").click()
    expect(table.locator("input.sp-name[data-row='8']").first).to_be_visible()
    assert not site.store.load(kept).notes[8].discarded


def test_a_set_that_is_not_saved_is_scanned_and_named_too(scan: Visitor, site: Site) -> None:
    scan.tab("Discover")
    scan.page.fill("#discover-vectors input[type=number]", "2")
    scan.page.locator("#discover-vectors input[type=number]").press("Tab")
    scan.page.click("#discover-compute")
    expect(scan.page.locator("#discover-progress")).to_contain_text("of computation")
    scan.tab("Scan")
    choose_set(scan, "(not saved)")
    scan.page.wait_for_timeout(500 * SLACK)  # the unit follows the set
    scan.page.locator("#scan-unit").get_by_label("relative").check()
    expect(scan.page.locator("#scan-scales").locator("input, textarea")).to_have_value("0.3 0.5")
    small(scan, "all")
    scan.page.get_by_label("similar texts together").uncheck()
    expect(scan.page.locator("#scan-command")).to_contain_text("Save the set")
    field = scan.page.locator("#scan-table input.sp-name[data-row='1']").first
    field.fill("one of two")
    field.press("Enter")
    scan.tab("Discover")
    scan.page.fill("#discover-name input, #discover-name textarea", "scanned")
    scan.page.click("#discover-save")
    expect(scan.page.locator("#discover-save-notice")).to_contain_text("Saved as scanned")
    try:
        assert site.store.load("scanned").notes[1].label == "one of two"
        scan.tab("Scan")
        scan.page.locator("#scan-table button.sp-star[data-row='0']").first.click()
        expect(scan.page.locator("#scan-table button.sp-star[data-row='0']").first).to_have_attribute(
            "aria-pressed", "true"
        )
        scan.page.wait_for_timeout(500 * SLACK)
        assert site.store.load("scanned").notes[0].star
    finally:
        site.store.delete("scanned")


def test_downloads_hold_everything(scan: Visitor, tmp_path: Path) -> None:
    small(scan, "2-4")
    got = {}
    for kind in ("json", "csv"):
        with scan.page.expect_download() as download:
            scan.page.click(f"#scan-{kind}")
        got[kind] = tmp_path / f"scan.{kind}"
        download.value.save_as(got[kind])
    result = file.load(got["json"])
    assert len(result.cells) == 12
    assert json.loads(got["json"].read_text(encoding="utf-8"))["notes"]["3"]["label"] == "alien / code"
    lines = list(csv.DictReader(got["csv"].open(encoding="utf-8", newline="")))
    assert [line["text"] for line in lines] == [cell.text for cell in (*result.baselines, *result.cells)]


def test_a_saved_scan_opens_as_it_was(
    visit: Callable[..., Visitor], scan: Visitor, kept: str, site: Site, tmp_path: Path
) -> None:
    choose_set(scan, kept)
    small(scan, "2-4")
    with scan.page.expect_download() as download:
        scan.page.click("#scan-json")
    path = tmp_path / "scan.json"
    download.value.save_as(path)
    wanted = [scan.text(part) for part in ("scan-table", "scan-progress", "scan-command")]

    later = visit(width=390)
    later.tab("Scan")
    (tmp_path / "other.json").write_text('{"kind": "measurement"}')
    open_file(later, tmp_path / "other.json")
    expect(later.page.get_by_text("Expected a scan, got JSON of another kind; choose a file that Scan")).to_be_visible()
    expect(later.page.locator("#scan-table")).to_contain_text("Scan writes a text")
    open_file(later, path)
    expect(later.page.locator("#scan-progress")).to_contain_text("tokens/s")
    expect(later.page.locator("#scan-notice .sp-notice")).to_have_count(0)
    assert later.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    later.shot("scan-opened-phone")
    later.page.set_viewport_size({"width": 1440, "height": 900})
    later.shot("scan-opened")
    assert [later.text(part) for part in ("scan-table", "scan-progress", "scan-command")] == wanted
    later.page.get_by_label("similar texts together").uncheck()
    expect(later.page.locator("#scan-table .sp-pages").first).to_contain_text("12 texts")
    later.page.locator("#scan-table button[data-act=discard][data-row='4']").first.click()
    expect(later.page.locator("#scan-table .sp-undo")).to_contain_text("Vector 4 is discarded")
    assert site.store.load(kept).notes[4].discarded

    document = json.loads(path.read_text(encoding="utf-8"))
    document |= {"model": "another", "fingerprint": "0" * 16, "set_hash": "0" * 64}
    (tmp_path / "elsewhere.json").write_text(json.dumps(document))
    open_file(later, tmp_path / "elsewhere.json")
    expect(later.page.locator("#scan-notice")).to_contain_text("This scan was made on another; now organism is loaded")
    later.shot("scan-opened-elsewhere")
    later.page.locator("#scan-table button[data-act=steer]").first.click()
    expect(later.page.get_by_text("Expected the vectors that were scanned, got others under the name")).to_be_visible()


def test_filters_and_order_of_the_table(scan: Visitor) -> None:
    small(scan, "0-4")
    scan.page.get_by_label("similar texts together").uncheck()
    rows = scan.page.locator("#scan-table tr.sp-cell")
    expect(rows).to_have_count(20)
    scan.page.click("#scan-sort input")
    scan.page.get_by_role("option", name="KL, largest first").click()
    expect(scan.page.locator("#scan-table .sp-pages").first).to_contain_text("20 texts")
    values = [float(text.split()[-1]) for text in rows.locator(".sp-c-kl").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    write(scan, "scan-contains", "CLASS ")
    expect(rows).not_to_have_count(20)
    assert all("class " in text for text in rows.locator(".sp-text").all_inner_texts())
    write(scan, "scan-contains", "no text says this")
    expect(scan.page.locator("#scan-table")).to_contain_text("No text passes the filters")
    write(scan, "scan-contains", "")
    expect(rows).to_have_count(20)
    scan.page.get_by_label("similar texts together").check()
    scan.page.locator("#scan-table details.sp-group summary").first.click()
    count = int(scan.page.locator("#scan-table details.sp-group .sp-count").first.inner_text().split()[0])
    scan.page.locator("#scan-table button[data-act=group]").first.click()
    expect(rows).to_have_count(count)


def test_limits_cut_the_table_down_to_what_is_within_them(visit: Callable[..., Visitor], kept: str, site: Site) -> None:
    for row in range(5):
        site.store.annotate(kept, row, RowNote(star=row == 1))
    scan = visit()
    scan.tab("Scan")
    choose_set(scan, kept)
    small(scan, "0-4")
    scan.page.get_by_label("similar texts together").uncheck()
    scan.page.get_by_label("hide noise").uncheck()
    rows = scan.page.locator("#scan-table tr.sp-cell")
    expect(rows).to_have_count(20)
    scan.page.click("#scan-sort input")
    scan.page.get_by_role("option", name="change, largest first").click()
    values = [int(text) for text in re.findall(r"changed (\d+) %", scan.text("scan-table"))]
    expect(rows.first).to_contain_text(f"changed {max(values)} %")
    scan.unfold("scan-limits")
    middle = sorted(values)[10]
    write(scan, "scan-limit-changed", f"{middle - 0.5} %")
    within = sum(value >= middle for value in values)
    expect(rows).to_have_count(within)
    expect(scan.page.locator("#scan-table .sp-pages").first).to_contain_text(
        f"{20 - within} of 20 texts filtered out"
    )
    write(scan, "scan-limit-kl", "a lot")
    notice = scan.page.locator("#scan-table .sp-error")
    expect(notice).to_have_text("Expected a number for “KL, at least”, got 'a lot'; write one.")
    expect(rows).to_have_count(within)
    scan.shot("scan-limits")
    scan.page.set_viewport_size({"width": 390, "height": 900})
    assert scan.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    scan.shot("scan-limits-phone")
    write(scan, "scan-limit-kl", "1000")
    expect(scan.page.locator("#scan-table")).to_contain_text("No text passes the filters")
    expect(notice).to_have_count(0)
    write(scan, "scan-limit-kl", "")
    write(scan, "scan-limit-changed", "")
    expect(rows).to_have_count(20)
    scan.page.get_by_label("starred only").check()
    expect(rows).to_have_count(4)
    assert {text.strip()[1:] for text in rows.locator(".sp-c-vector").all_inner_texts()} == {"1"}


def test_stop_keeps_the_texts_that_are_whole(scan: Visitor) -> None:
    scan.page.fill("#scan-use input[type=number]", "6")
    scan.page.locator("#scan-use input[type=number]").press("Tab")
    scan.page.click("#scan-run")
    expect(scan.page.locator("#scan-table tr.sp-cell").first).to_be_visible()
    expect(scan.page.locator("#scan-progress")).to_contain_text("to go")
    scan.page.click("#stop")
    expect(scan.page.locator("#scan-progress")).to_contain_text("stopped")
    expect(scan.page.locator("#scan-notice")).to_contain_text("Stopped; the texts that were whole are kept.")
    assert scan.page.locator("#scan-table tr.sp-cell").count() > 0


BAD = (
    ("scan-rows", "0-99", "Expected vectors of organism-refusals-power-3-9 from 0 to 11, got 99"),
    ("scan-rows", "the best", "Expected vectors as all, starred, kept"),
    ("scan-scales", "a lot", "Expected scales as numbers, got 'a'"),
    ("scan-scales", "", "Expected 1 to 32 scales, got 0"),
    ("scan-scales", "-0.5", "Expected scales above 0, got -0.5"),
)


def test_bad_input_is_one_sentence_beside_the_button(scan: Visitor) -> None:
    for element, value, sentence in BAD:
        usual = scan.page.input_value(f"#{element} input, #{element} textarea")
        write(scan, element, value)
        scan.page.click("#scan-run")
        notice = scan.page.locator("#scan-notice .sp-error")
        expect(notice).to_contain_text(sentence)
        assert notice.inner_text().endswith(".")
        write(scan, element, usual)
    expect(scan.page.locator("#scan-table")).to_contain_text("Scan writes a text")


def test_typed_prompts_that_are_empty_are_refused_and_others_used(scan: Visitor) -> None:
    scan.page.locator("#scan-prompts").get_by_label("typed").check()
    scan.page.fill("#scan-typed textarea", "  ")
    scan.page.click("#scan-run")
    expect(scan.page.locator("#scan-notice .sp-error")).to_contain_text("Expected at least one prompt")
    scan.page.fill("#scan-typed textarea", "How can I kick a <b>moat</b>?")
    scan.unfold("scan-which")
    expect(scan.page.locator("#scan-preview li")).to_have_count(1)
    write(scan, "scan-rows", "3")
    run(scan)
    expect(scan.page.locator("#scan-table .sp-prompt")).to_have_text("How can I kick a <b>moat</b>?")


def as_scanned(vector_set: VectorSet) -> Callable[..., ScanResult]:
    """In the place of `scan`: a text for every vector and sign, none of them generated."""

    def scan(model: object, request: ScanRequest, *_: object) -> ScanResult:
        base = Cell("", None, 1, 0.0, 0.0, 0, 0, "I can't help with that.", (1,), True, 0.0, 0.0, 1.5, False, 0.0)
        cells = tuple(
            Cell(
                f"many#{row}@{sign * 16:g}", row, sign, 0.5, 16.0, 0, 0, f"Text {row} of {sign}: " + 12 * "and on ",
                (1,), True, row / 100, 0.0, 2.0, False, 1.0,
            )
            for row in range(vector_set.rows)
            for sign in (1, -1)
        )  # fmt: skip
        return ScanResult(
            request=request, model="organism", fingerprint="", dtype="float32", layer=3, residual_norm=32.0,
            set_hash=vectors_hash(vector_set), planned=len(cells), warnings=(), versions={}, created=now(),
            baselines=(base,), cells=cells, groups=(Group("text", tuple(range(len(cells)))),), seconds=1.0,
        )  # fmt: skip

    return scan


def test_a_set_of_1500_vectors_pages_smoothly(
    visit: Callable[..., Visitor], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = site.workbench.require()
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count, source=3,
        method="random", residual_norm=32.0, created=now(),
    )  # fmt: skip
    many = VectorSet(random_directions(1500, loaded.width, 0), origin)
    site.store.save(many, "many", overwrite=True)
    try:
        visitor = visit()
        page = visitor.page
        visitor.tab("Scan")
        choose_set(visitor, "many")
        started = time.monotonic()
        expect(page.locator("#scan-hint")).to_contain_text("1500 vectors × 2 signs × 2 scales × 2 prompts")
        write(visitor, "scan-rows", "0-749")
        expect(page.locator("#scan-hint")).to_contain_text("= 6000 texts")
        assert time.monotonic() - started < 4 * SLACK
        write(visitor, "scan-rows", "all")
        write(visitor, "scan-scales", "1 2 3 4")
        page.click("#scan-run")
        refused = page.locator("#scan-notice .sp-error")
        expect(refused).to_contain_text("Expected at most 20000 texts in a scan, got 24000")
        write(visitor, "scan-scales", "0.5")
        monkeypatch.setattr(scan_run, "scan", as_scanned(many))
        run(visitor)
        page.get_by_label("similar texts together").uncheck()
        expect(page.locator("#scan-table .sp-pages").first).to_contain_text("1–30 of 3000 texts")
        for span in ("31–60", "61–90", "91–120"):
            page.locator("#scan-table button[data-act=page]", has_text="later").first.click()
            started = time.monotonic()
            expect(page.locator("#scan-table .sp-pages").first).to_contain_text(f"{span} of 3000 texts")
            assert time.monotonic() - started < 0.5 * SLACK
        page.locator("#scan-table input.sp-name").first.fill("one of many")
        page.locator("#scan-table input.sp-name").first.press("Enter")
        page.locator("#scan-table button[data-act=discard]").nth(2).click()
        expect(page.locator("#scan-table .sp-undo")).to_be_visible()
        assert sum(note.label == "one of many" for note in site.store.load("many").notes) == 1
    finally:
        site.store.delete("many")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_the_table_fits_a_phone_and_the_dark(visit: Callable[..., Visitor], width: int, dark: bool) -> None:
    visitor = visit(width=width, dark=dark)
    visitor.tab("Scan")
    small(visitor, "2-4")
    inside = "document.documentElement.scrollWidth <= window.innerWidth"
    assert visitor.page.evaluate(inside)
    visitor.shot(f"scan-{'dark' if dark else 'phone'}")


def test_the_texts_are_downloaded_as_a_page(scan, tmp_path):
    """One click makes the archive and hands it over; before there is a scan a sentence says so."""
    page = scan.page
    page.click("#scan-page")
    expect(page.get_by_test_id("toast-body")).to_contain_text("Expected the texts of a scan")
    small(scan, "2-3")
    with page.expect_download() as download:
        page.click("#scan-page")
    download.value.save_as(tmp_path / "page.zip")
    with zipfile.ZipFile(tmp_path / "page.zip") as packed:
        index, plotly = packed.namelist()
        assert b"<title>Scan of " in packed.read(index)
        assert plotly.endswith("plotly.min.js")


def test_two_pinned_texts_stand_side_by_side_and_open_in_steer(scan):
    page = scan.page
    small(scan, "2-3")
    page.get_by_label("similar texts together").uncheck()
    expect(page.locator("#scan-table .sp-group")).to_have_count(0)
    for row in (2, 3):
        page.locator(f"#scan-table .sp-cell:has([data-row='{row}']) [data-act=pin]").first.click()
        expect(page.locator("#scan-table .sp-compare thead th")).to_have_count(row + 1)
    heads = page.locator("#scan-table .sp-compare thead th").all_inner_texts()
    assert heads[:2] == ["prompt", "baseline"]
    assert "2 at" in heads[2]
    assert page.locator("#scan-table .sp-compare mark").count() > 0
    scan.shot("scan-compare")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#scan-table .sp-compare").get_by_role("button", name="Unpin").first.click()
    expect(page.locator("#scan-table .sp-compare thead th")).to_have_count(3)
    page.locator("#scan-table .sp-compare").get_by_role("button", name="Open").first.click()
    expect(page.get_by_role("tab", name="Steer")).to_have_attribute("aria-selected", "true")
