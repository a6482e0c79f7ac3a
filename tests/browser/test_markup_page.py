"""Hostile texts in every place that shows text: nothing runs, nothing is fetched, the layout holds, all is verbatim.

Set names, labels, notes, origins, prompts, model output, file names and plot text. Requests to other hosts, script
errors and messages of the console fail in `visiting.Visitor`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from visiting import Site, Visitor, compute, fill

from playground.core.contrast import random_directions
from playground.library import vector_set as files
from playground.library.origin import now
from playground.library.vector_set import Origin, RowNote, VectorSet, vectors_hash
from playground.model.prompting import PromptFormat
from playground.services.scan import Cell, Group, ScanRequest, ScanResult, file

IMAGE = """<img src=x onerror="window.__ran=1">"""
SCRIPT = "<script>window.__ran=2</script>"
CLOSING = """"></textarea></code></svg><svg onload=window.__ran=3>"""
TEMPLATE = "${window.__ran=4} {{constructor.constructor('window.__ran=5')()}}"
LINK = "[x](javascript:window.__ran=6) <a href='javascript:window.__ran=7'>x</a> $x$"
FOREIGN = "![x](http://foreign.example/x.png) <b style='background:url(http://foreign.example/y)'>y</b>"
REVERSED = "\u202etxt.exe\u2066\u200bend"
WIDE = "w" * 200
LONG = "x" * 100_000
SHORT = (IMAGE, SCRIPT, CLOSING, TEMPLATE, LINK, FOREIGN, WIDE, REVERSED)
SAID = " ".join(SHORT)
WIDTHS = (1280, 390)
OVERFLOWING = """() => {
  const cut = (element) => getComputedStyle(element).overflowX !== 'visible';
  const hidden = (element) => element && !element.matches('.prose') && (cut(element) || hidden(element.parentElement));
  return [...document.querySelectorAll('.prose *')]
    .filter((each) => each.offsetParent && each.clientWidth && each.scrollWidth > each.clientWidth + 1 && !hidden(each))
    .map((each) => `${each.tagName}.${each.className}: ${each.scrollWidth} in ${each.clientWidth}`);
}"""
"""What sticks out of its element where nothing scrolls or cuts it."""
RUNNING = "[onerror], [onload], a[href^='javascript'], .gradio-container script, [src*='foreign.example'], [style*=url]"


@pytest.fixture
def hostile(site: Site, tmp_path: Path) -> Iterator[VectorSet]:
    """A set whose every text is hostile, in the library; beside it a damaged file with a hostile name."""
    loaded = site.workbench.require()
    origin = Origin(
        model=loaded.name + SAID, revision=SAID, fingerprint=loaded.fingerprint, width=loaded.width,
        block_count=loaded.block_count, source=3, method="random" + SAID, residual_norm=10.0, created=now(),
        prompts=(*SHORT, LONG), prompt_set=SAID, system=SAID, parameters={IMAGE: LONG, CLOSING: list(SHORT)},
        versions={IMAGE: SAID},
    )  # fmt: skip
    # A label is at most 120 printable characters.
    labels = (IMAGE, SCRIPT, CLOSING, TEMPLATE, WIDE[:120], "<a href='javascript:window.__ran=8'><b>%{x}</b></a>")
    notes = tuple(RowNote(label, star=True, note=SAID + LONG[:9000]) for label in labels)
    vector_set = VectorSet(
        random_directions(len(labels), loaded.width, 0), origin, notes=notes, description=SAID[:900], name="hostile"
    )
    site.store.save(vector_set, "hostile", overwrite=True)
    broken = Path(site.store.folder) / f"{IMAGE} {'w' * 150}.safetensors"
    broken.write_bytes(b"no set")
    yield site.store.load("hostile")
    broken.unlink()
    site.store.delete("hostile")


@pytest.fixture(params=WIDTHS)
def visitor(request: pytest.FixtureRequest, hostile: VectorSet, visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit(width=request.param)
    visitor.page.on("dialog", lambda dialog: visitor.errors.append(f"dialog: {dialog.message}"))
    return visitor


def is_harmless(visitor: Visitor) -> None:
    """Nothing has run, nothing stands ready to, and nothing is wider than the window."""
    page = visitor.page
    page.wait_for_timeout(500)
    assert page.evaluate("window.__ran") is None
    assert page.locator(RUNNING).evaluate_all("all => all.map((each) => each.outerHTML.slice(0, 200))") == []
    wide, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= window, f"the page is {wide} pixels wide in a window of {window}"
    assert page.evaluate(OVERFLOWING) == []


def shows(place: Locator, *texts: str) -> None:
    """Each text stands there, character by character."""
    shown = place.evaluate("(each) => each.textContent")
    for text in texts:
        assert text in shown


def upload(visitor: Visitor, button: str, path: Path) -> None:
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.click(f"#{button}")
    chooser.value.set_files(path)


def test_hostile_texts_of_a_set_are_shown_as_they_are(visitor: Visitor, tmp_path: Path, hostile: VectorSet) -> None:
    page = visitor.page
    visitor.tab("Library")
    expect(page.locator("#library-sets .sp-broken")).to_contain_text(IMAGE)
    page.locator("#library-sets tr[data-name='hostile']").click()
    expect(page.locator("#library-rows .sp-name").first).to_have_value(IMAGE)
    page.locator("#library-details details summary").click()
    shows(page.locator("#library-details"), *SHORT)
    is_harmless(visitor)
    assert page.locator("#library-details").bounding_box()["height"] < 4000
    assert page.locator("#library-sets .sp-scroll").evaluate("(each) => each.scrollWidth") < 1200
    visitor.shot(f"hostile-library-{page.viewport_size['width']}")
    with page.expect_download() as download:
        page.click("#library-download")
    assert download.value.suggested_filename == "hostile.safetensors"
    path = tmp_path / f"{IMAGE[:40].replace('/', '')}\u202e.safetensors"
    files.save(hostile, path)
    upload(visitor, "library-upload", path)
    expect(page.locator("#library-notice")).to_contain_text("Took in")
    is_harmless(visitor)
    page.click("#library-delete")
    expect(page.locator("#library-notice")).to_contain_text("Deleted")
    is_harmless(visitor)


def test_a_refused_file_with_a_hostile_name_is_a_plain_sentence(visitor: Visitor, tmp_path: Path) -> None:
    visitor.tab("Library")
    path = tmp_path / f"{IMAGE.replace('/', '')}.safetensors"
    path.write_bytes(b"no set")
    upload(visitor, "library-upload", path)
    expect(visitor.page.get_by_test_id("toast-body")).to_contain_text("Expected a safetensors file")
    is_harmless(visitor)


def test_hostile_prompts_and_model_texts_run_nothing_in_steer(
    visitor: Visitor, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = (*SHORT, WIDE * 50)

    def decode(ids: list[int], **_: object) -> str:
        return " ".join(pieces[int(one) % len(pieces)] for one in ids)

    monkeypatch.setattr(site.workbench.require().tokenizer, "decode", decode)
    page = visitor.page
    page.click("#mix-0-set input")
    page.get_by_role("option", name="hostile", exact=True).click()
    expect(page.locator("#mix-0-row input")).to_have_value(re.compile("<img"))
    page.click("#mix-0-row input")
    expect(page.get_by_role("option").filter(has_text=IMAGE)).to_be_visible()
    is_harmless(visitor)
    page.get_by_role("option").filter(has_text=IMAGE).click()
    page.fill("#steer-prompt textarea", SAID)
    for number, text in ((1, IMAGE), (2, CLOSING)):
        page.fill(f"#steer-answer-{number} input, #steer-answer-{number} textarea", text)
    page.locator("#steer-negative input").check()
    page.locator("#steer-colour input").check()
    page.click("#steer-generate")
    expect(page.locator("#steer-steered .sp-text")).to_contain_text(WIDE)
    expect(page.locator("#steer-command")).to_contain_text("onerror")
    shows(page.locator("#steer-panes"), IMAGE)
    is_harmless(visitor)
    visitor.shot(f"hostile-steer-{page.viewport_size['width']}")
    page.locator("#steer-steered button[data-act=turn]").click()
    expect(page.locator("#steer-turns textarea").first).to_have_value(SAID)
    is_harmless(visitor)
    page.fill("#steer-prompt textarea", LONG)
    page.click("#steer-generate")
    expect(page.locator("#steer-notice .sp-error")).to_contain_text("xpected")
    is_harmless(visitor)


def scanned(vector_set: VectorSet) -> ScanResult:
    """A scan whose texts, prompts and group names are hostile."""
    base = Cell("", None, 1, 0.0, 0.0, 0, 0, SAID, (1,), True, 0.0, 0.0, 1.5, False, 0.0)
    cells = tuple(
        Cell(
            f"hostile#{row}@{sign * 16:g}", row, sign, 0.5, 16.0, 0, 0, LONG if row == 0 else text,
            (1,), True, row / 100, 0.0, 2.0, False, 1.0,
        )
        for row, text in enumerate((IMAGE, SAID, CLOSING, REVERSED, WIDE))
        for sign in (1, -1)
    )  # fmt: skip
    request = ScanRequest(source="hostile", prompts=(SAID,), scales=(0.5,), unit="r", format=PromptFormat(system=SAID))
    groups = (Group(IMAGE, tuple(range(5))), Group(WIDE, tuple(range(5, len(cells)))))
    return ScanResult(
        request=request, model=IMAGE, fingerprint="", dtype="float32", layer=3, residual_norm=32.0,
        set_hash=vectors_hash(vector_set), planned=len(cells), warnings=(SAID,), versions={}, created=now(),
        baselines=(base,), cells=cells, groups=groups, seconds=1.0,
    )  # fmt: skip


def test_a_scan_file_with_hostile_texts_is_a_table_of_texts(
    visitor: Visitor, hostile: VectorSet, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.tab("Scan")
    file.save(scanned(hostile), tmp_path / "scan.json")
    upload(visitor, "scan-open", tmp_path / "scan.json")
    expect(page.locator("#scan-table .sp-prompt")).to_contain_text(WIDE)
    shows(page.locator("#scan-table"), IMAGE, SAID)
    is_harmless(visitor)
    page.locator("#scan-table details.sp-group summary").first.click()
    page.get_by_label("similar texts together").uncheck()
    expect(page.locator("#scan-table .sp-pages").first).to_contain_text("10 texts")
    shows(page.locator("#scan-table"), *SHORT)
    is_harmless(visitor)
    visitor.shot(f"hostile-scan-{page.viewport_size['width']}")


def test_hostile_items_and_labels_are_measured_and_drawn_as_texts(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    page = visitor.page
    path = tmp_path / f"items {IMAGE.replace('/', '')}.jsonl"
    items = [
        {"question": f"{text} {SAID}\nA or B?", "answer_matching_behavior": IMAGE, "answer_not_matching_behavior": WIDE}
        for text in SHORT[:2]
    ]
    path.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    visitor.tab("Measure")
    page.locator("#measure-prompts").get_by_label("file").check()
    upload(visitor, "measure-upload button", path)
    visitor.unfold("measure-which")
    expect(page.locator("#measure-preview")).to_contain_text(IMAGE)
    while page.locator("#measure-sets .token-remove:visible").count():
        page.locator("#measure-sets .token-remove:visible").first.click()
    page.click("#measure-sets input")
    page.get_by_role("option", name="hostile", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#measure-rows").locator("input, textarea").first.fill("0, 2, 4")
    page.locator("#measure-scales").locator("input, textarea").first.fill("-0.5 0.5")
    page.locator("#measure-scales").locator("input, textarea").first.press("Tab")
    visitor.unfold("measure-more")
    fill(visitor, "measure-controls", 1)
    visitor.ends("measure-measure", "measure-progress", "rows of vectors")
    expect(page.locator("#measure-items tr[data-act]")).to_have_count(2)
    is_harmless(visitor)
    page.locator("#measure-items tr[data-act]").nth(1).click()
    expect(page.locator("#measure-item .sp-lookline")).to_have_count(2)
    shows(page.locator("#measure-item"), IMAGE)
    is_harmless(visitor)
    visitor.shot(f"hostile-measure-{page.viewport_size['width']}")


def test_hostile_prompts_are_discovered_from(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    visitor.tab("Discover")
    path = tmp_path / f"prompts {IMAGE.replace('/', '')}.json"
    path.write_text(json.dumps([*SHORT, LONG]), encoding="utf-8")
    page.locator("#discover-prompts").get_by_label("file").check()
    upload(visitor, "discover-upload button", path)
    visitor.unfold("discover-which")
    expect(page.locator("#discover-preview")).to_contain_text(IMAGE)
    is_harmless(visitor)
    fill(visitor, "discover-use", 1)
    fill(visitor, "discover-vectors", 2)
    compute(visitor)
    expect(page.locator("#discover-gallery .sp-caption")).to_contain_text(IMAGE)
    is_harmless(visitor)
    visitor.shot(f"hostile-discover-{page.viewport_size['width']}")
