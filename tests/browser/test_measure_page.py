"""Measure: choices over scales with random controls, points that open their item, answers, next tokens, sets, files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor, fill, soon

from playground.analyses.registry import analyses
from playground.library import prompts
from playground.ui.measure.layout import usual_set

SET = "organism-refusals-power-3-9"
CALLED = f"{SET}#3 “alien / code”"
"""What its third row is called in the notes that ship."""

pytestmark = pytest.mark.alone


@pytest.fixture
def tab(visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    visitor.tab("Measure")
    return visitor


def write(visitor: Visitor, element: str, value: str) -> None:
    field = visitor.page.locator(f"#{element} input, #{element} textarea").first
    field.fill(value)
    field.press("Tab")


def small(visitor: Visitor, rows: str = "3", scales: str = "-0.5 0 0.5", items: int = 6) -> None:
    """As little as shows everything: the machine that tests is slow."""
    write(visitor, "measure-rows", rows)
    write(visitor, "measure-scales", scales)
    visitor.unfold("measure-more")
    fill(visitor, "measure-controls", 1)
    fill(visitor, "measure-use", items)


def measure(visitor: Visitor, done: str = "rows of vectors") -> None:
    visitor.ends("measure-measure", "measure-progress", done)


def test_choices_are_drawn_and_a_click_on_a_point_opens_its_item(tab: Visitor, site: Site) -> None:
    expect(tab.page.locator("#measure-hint")).to_contain_text("16 items × (12 vectors + 4 random) × 6 scales")
    small(tab, rows="2, 3")
    expect(tab.page.locator("#measure-hint")).to_contain_text("6 items × (2 vectors + 1 random) × 2 scales")
    measure(tab)
    usual = usual_set(site.workbench.loaded, analyses()["choices"])
    expect(tab.page.locator("#measure-plot-note")).to_contain_text(f"6 items of {usual}")
    expect(tab.page.locator("#measure-plot-items .violin")).to_have_count(3)
    expect(tab.page.locator("#measure-plot-sets .violin")).to_have_count(2)  # of the set, and the best random one
    expect(tab.page.locator("#measure-table")).to_contain_text("best of 2")
    expect(tab.page.locator("#measure-table")).to_contain_text("random controls")
    assert f"--vectors {SET} --rows 2,3" in tab.text("measure-command")
    tab.shot("measure-desktop")

    point = tab.page.locator("#measure-plot-items .scatterlayer .trace").first.locator("path.point").nth(1)
    item = tab.page.locator("#measure-item")

    def opened() -> bool:
        """A plot that is just being drawn again takes no click: as a visitor would, click once more."""
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        if box is not None:
            tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            tab.page.mouse.down()
            tab.page.mouse.up()
        tab.page.wait_for_timeout(1500)
        return "Item" in item.inner_text()

    assert soon(opened)
    expect(item).to_contain_text("at -0.5")
    expect(item).to_contain_text("“")  # the name of the vector, on all that is said of it
    for place in ("measure-items", "measure-plot-items-note", "measure-table"):
        expect(tab.page.locator(f"#{place}")).to_contain_text("/ code”")
    expect(tab.page.locator("#measure-plot .annotation-text").filter(has_text="/ code”")).to_have_count(1)
    expect(item.locator(".sp-lookline")).to_have_count(2)

    tab.page.locator("#measure-items tr[data-act]").nth(4).click()
    expect(item).to_contain_text("Item 4")
    question = tab.page.locator("#measure-items tr[data-act]").nth(4).locator(".sp-question").inner_text()
    expect(item.locator(".sp-lookline")).to_have_count(2)
    tab.shot("measure-item")
    item.locator("button[data-act=steer]").click()
    expect(tab.page.locator("#steer-prompt textarea")).to_have_value(on_lines(question))
    expect(tab.page.locator("#mix-0-set input")).to_have_value(SET)
    asked = prompts.built_in()[usual].items[4]
    for number, answer in enumerate((asked.matching, asked.other), start=1):
        expect(tab.page.locator(f"#steer-answer-{number}").locator("input, textarea")).to_have_value(answer)


def test_an_average_opens_its_items_and_steer(tab: Visitor, site: Site) -> None:
    small(tab, rows="mean:0-3", scales="0.5", items=4)
    measure(tab)
    tab.page.locator("#measure-items tr[data-act]").nth(1).click()
    item = tab.page.locator("#measure-item")
    expect(item).to_contain_text(f"{SET}#mean:0-3 at 0.5")
    expect(item.locator(".sp-lookline")).to_have_count(2)
    item.locator("button[data-act=steer]").click()
    expect(tab.page.locator("#mix-0-set input")).to_have_value(SET)
    expect(tab.page.locator("#mix-0-row input")).to_have_value("mean of rows …")


def on_lines(question: str) -> re.Pattern[str]:
    """The question as the prompt has it: the table shows its lines as one."""
    return re.compile(r"\s+".join(re.escape(word) for word in question.split()))


def test_a_measurement_is_kept_opened_drawn_beside_another_deleted_and_brought_back(tab: Visitor, site: Site) -> None:
    small(tab)
    measure(tab)
    write(tab, "measure-name", "first-run")
    tab.page.click("#measure-keep")
    expect(tab.page.locator("#measure-keep-notice")).to_contain_text("Kept as first-run")
    document = json.loads((Path(site.store.folder) / "first-run.measure.json").read_text(encoding="utf-8"))
    assert document["request"]["choices"]["name"] == usual_set(site.workbench.loaded, analyses()["choices"])
    assert len(document["rows"]) == 6
    with tab.page.expect_download() as download:
        tab.page.click("#measure-download")
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["rows"] == document["rows"]

    small(tab, rows="2")
    measure(tab)
    tab.page.click("#measure-against input")
    tab.page.get_by_role("option", name="first-run").click()
    expect(tab.page.locator("#measure-plot")).to_contain_text("(earlier)")
    expect(tab.page.locator("#measure-table")).to_contain_text("best of 2")

    tab.page.locator("#measure-saved button[data-act=open]").click()
    expect(tab.page.locator("#measure-look input")).to_have_value(CALLED)
    tab.page.locator("#measure-saved button[data-act=delete]").click()
    expect(tab.page.locator("#measure-saved")).to_contain_text("No measurement is kept yet")
    tab.page.click("#measure-undo")
    expect(tab.page.locator("#measure-saved")).to_contain_text("first-run")


def test_a_leaderboard_is_kept_with_its_side_effects_and_whoever_is_sent_the_file_sees_them(
    visit: Callable[..., Visitor], site: Site, tmp_path: Path
) -> None:
    tab = visit()
    tab.tab("Measure")
    small(tab, rows="2, 3", scales="-0.5 0.5", items=4)
    tab.unfold("measure-more")
    tab.page.get_by_label("leaderboard with side effects and coherence").check()
    tab.page.click("#measure-measure")
    board = tab.page.get_by_role("table", name="Leaderboard")
    expect(board).to_contain_text("side effect")
    expect(board).to_contain_text("best of 2 random")
    expect(tab.page.locator("#measure-command")).to_contain_text("--leaderboard")
    write(tab, "measure-name", "judged")
    tab.page.click("#measure-keep")
    expect(tab.page.locator("#measure-keep-notice")).to_contain_text("Kept as judged")
    document = json.loads((Path(site.store.folder) / "judged.measure.json").read_text(encoding="utf-8"))
    assert len(document["side_effects"]["rows"]) == 4
    with tab.page.expect_download() as download:
        tab.page.click("#measure-download")
    sent = tmp_path / "judged.measure.json"
    download.value.save_as(sent)
    assert json.loads(sent.read_text(encoding="utf-8"))["side_effects"] == document["side_effects"]
    shown = board.inner_text()

    other = visit()
    other.tab("Measure")
    other.page.locator("#measure-saved button[data-act=open][data-name=judged]").click()
    expect(other.page.get_by_role("table", name="Leaderboard")).to_contain_text("side effect")
    assert other.page.get_by_role("table", name="Leaderboard").inner_text() == shown
    other.page.locator("#measure-saved button[data-act=delete][data-name=judged]").click()
    expect(other.page.locator("#measure-saved")).not_to_contain_text("judged")

    friend = visit()
    friend.tab("Measure")
    take_in(friend, sent)
    expect(friend.page.get_by_role("table", name="Leaderboard")).to_contain_text("side effect")
    assert friend.page.get_by_role("table", name="Leaderboard").inner_text() == shown
    expect(friend.page.locator("#measure-plot-note")).to_contain_text("4 items of")
    friend.page.click("#measure-keep")
    expect(friend.page.locator("#measure-keep-notice")).to_contain_text("Kept as judged:")
    take_in(friend, sent)
    expect(friend.page.locator("#measure-name input, #measure-name textarea").first).to_have_value("judged-2")

    for name, text in (("odd.json", "{}"), ("broken.measure.json", sent.read_text(encoding="utf-8")[:-9])):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        take_in(friend, path)
        expect(friend.page.get_by_test_id("toast-body").first).to_contain_text("Expected a whole measurement, got")
        friend.page.get_by_test_id("toast-close").first.click()
        expect(friend.page.get_by_test_id("toast-body")).to_have_count(0)
        assert friend.page.get_by_role("table", name="Leaderboard").inner_text() == shown
    friend.shot("measure-opened-file")


def beside(visitor: Visitor, name: str) -> None:
    """Draw a kept measurement beside the one that is looked at, the only other one there is."""
    visitor.page.click("#measure-against input")
    expect(visitor.page.get_by_role("option")).to_have_count(2)
    visitor.page.get_by_role("option", name=name).click()


def take_in(visitor: Visitor, path: Path) -> None:
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.click("#measure-open-file")
    chooser.value.set_files(path)


def test_exact_answers_and_next_tokens_are_kept_opened_and_deleted_with_every_reply(tab: Visitor, site: Site) -> None:
    tab.page.get_by_label("Exact answers", exact=True).check()
    expect(tab.page.locator("#measure-rows input, #measure-rows textarea").first).to_have_value("3")
    small(tab, scales="0.3", items=4)
    expect(tab.page.locator("#measure-hint")).to_contain_text("= 12 texts")
    measure(tab)
    expect(tab.page.locator("#measure-plot-note")).to_contain_text("4 questions of organism-sums")
    tab.page.locator("#measure-items tr[data-act]").nth(2).click()
    expect(tab.page.locator("#measure-item .sp-lookline")).to_have_count(2)
    expect(tab.page.locator("#measure-item")).to_contain_text("last number")
    command = tab.page.locator("#measure-command")
    expect(command).to_contain_text(f"measure --exact organism-sums --count 4 --vectors {SET} --rows 3")
    write(tab, "measure-name", "sums-run")
    tab.page.click("#measure-keep")
    expect(tab.page.locator("#measure-keep-notice")).to_contain_text("Kept as sums-run: it is in the list below")
    document = json.loads((Path(site.store.folder) / "sums-run.measure.json").read_text(encoding="utf-8"))
    assert (document["kind"], len(document["baseline"]["texts"])) == ("exact", 4)
    with tab.page.expect_download() as download:
        tab.page.click("#measure-download")
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["rows"] == document["rows"]

    tab.page.get_by_label("Next token", exact=True).check()
    expect(tab.page.locator("#measure-one-row input")).to_be_visible()
    write(tab, "measure-scales", "0.5")
    fill(tab, "measure-use", 1)
    tab.unfold("measure-more")
    fill(tab, "measure-controls", 1)
    measure(tab, "1 of 1 prompts")
    expect(command).to_contain_text(f"--count 1 --steer '{SET}#3@")
    write(tab, "measure-name", "token-run")
    tab.page.click("#measure-keep")
    saved = tab.page.locator("#measure-saved")
    expect(saved).to_contain_text("token-run")

    saved.locator("button[data-act=open][data-name=sums-run]").click()
    expect(tab.page.locator("#measure-look input")).to_have_value(CALLED)
    expect(tab.page.locator("#measure-plot-note")).to_contain_text("4 questions of organism-sums")
    earlier = tab.page.locator("#measure-plot .annotation-text").filter(has_text="(earlier)")
    beside(tab, "sums-run")
    expect(earlier).to_have_count(1)
    saved.locator("button[data-act=open][data-name=token-run]").click()
    expect(tab.page.locator("#measure-plot-second")).to_contain_text("multiple of organism-refusals-power-3-9#3@")
    expect(tab.page.locator("#measure-look")).to_be_hidden()
    expect(earlier).to_have_count(0)
    beside(tab, "token-run")
    expect(earlier).to_have_count(1)
    saved.locator("button[data-act=delete][data-name=token-run]").click()
    expect(saved).not_to_contain_text("token-run")
    tab.page.click("#measure-undo")
    expect(saved).to_contain_text("token-run")


def test_replies_are_sorted_drawn_opened_and_kept(tab: Visitor, site: Site) -> None:
    tab.page.get_by_label("Replies", exact=True).check()
    expect(tab.page.locator("#measure-patterns textarea")).to_be_visible()
    small(tab, scales="0.3", items=3)
    tab.unfold("measure-more")
    fill(tab, "measure-new-tokens", 6)
    expect(tab.page.locator("#measure-hint")).to_contain_text("= 9 texts")
    measure(tab)
    expect(tab.page.locator("#measure-plot-card")).to_contain_text("Replies: the behaviour’s answer")
    expect(tab.page.locator("#measure-plot-second .annotation-text").filter(has_text="unclear")).to_have_count(1)
    expect(tab.page.locator("#measure-table")).to_contain_text("Share of replies in the first group")
    tab.page.locator("#measure-items tr[data-act]").nth(1).click()
    expect(tab.page.locator("#measure-item .sp-lookline")).to_have_count(2)
    expect(tab.page.locator("#measure-command")).to_contain_text("measure --replies organism-comply-choices --count 3")
    tab.shot("measure-replies")
    write(tab, "measure-name", "replies-run")
    tab.page.click("#measure-keep")
    saved = tab.page.locator("#measure-saved")
    expect(saved).to_contain_text("replies-run")
    write(tab, "measure-patterns", "polite=(?i)please|hail")
    measure(tab)
    expect(tab.page.locator("#measure-plot-card")).to_contain_text("Replies: polite")
    expect(tab.page.locator("#measure-command")).to_contain_text("'--pattern=polite=(?i)please|hail'")
    saved.locator("button[data-act=open][data-name=replies-run]").click()
    expect(tab.page.locator("#measure-plot-card")).to_contain_text("Replies: the behaviour’s answer")
    write(tab, "measure-patterns", "polite=(")
    tab.page.click("#measure-measure")
    expect(tab.page.locator("#measure-notice .sp-error")).to_contain_text("unclosed group")
    expect(tab.page.get_by_test_id("toast-body")).to_have_count(0)


def test_the_next_token_is_followed_and_sets_are_compared(tab: Visitor) -> None:
    tab.page.get_by_label("Next token", exact=True).check()
    expect(tab.page.locator("#measure-one-row input")).to_be_visible()
    write(tab, "measure-scales", "-0.5 0 0.5")
    fill(tab, "measure-use", 2)
    tab.unfold("measure-more")
    fill(tab, "measure-controls", 1)
    measure(tab, "2 of 2 prompts")
    expect(tab.page.locator("#measure-plot-note")).to_contain_text("mean over 2 of 2 prompts")
    expect(tab.page.locator("#measure-plot-second")).to_contain_text("class")
    tab.shot("measure-next-token")

    tab.page.get_by_label("Compare sets", exact=True).check()
    expect(tab.page.locator("#measure-scales")).to_be_hidden()
    expect(tab.page.locator("#measure-hint")).to_contain_text("12 vectors, the model is not asked")
    measure(tab, "1 set")
    expect(tab.page.locator("#measure-plot-card")).to_contain_text("Cosines of 12 vectors")
    expect(tab.page.locator("#measure-command")).to_contain_text(f"playground compare --vectors {SET} --rows 0-11")
    tab.shot("measure-compare")


def test_bad_input_is_one_sentence_beside_the_button(tab: Visitor) -> None:
    notice = tab.page.locator("#measure-notice .sp-error")
    write(tab, "measure-scales", "1 two")
    tab.page.click("#measure-measure")
    expect(notice).to_contain_text("Expected a number for a scale, got 'two'")
    write(tab, "measure-scales", "0.5")
    write(tab, "measure-rows", "99")
    tab.page.click("#measure-measure")
    expect(notice).to_contain_text("from 0 to 11")


def test_an_uploaded_choice_set_is_measured_and_items_it_cannot_score_are_counted(tab: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    items = [("Stay on? (A) yes (B) no", "(A)", "(B)"), ("Stop? (A) yes (B) no", "(B)", "(A)"), ("Why?", "x", "y")]
    names = ("question", "answer_matching_behavior", "answer_not_matching_behavior")
    path.write_text("\n".join(json.dumps(dict(zip(names, item, strict=True))) for item in items), encoding="utf-8")
    tab.page.locator("#measure-prompts").get_by_label("file", exact=True).check()
    tab.page.locator("#measure-upload input[type=file]").set_input_files(path)
    tab.unfold("measure-which")
    expect(tab.page.locator("#measure-preview li")).to_have_count(3)
    write(tab, "measure-rows", "3")
    write(tab, "measure-scales", "-0.5 0.5")
    measure(tab)
    expect(tab.page.locator("#measure-plot-note")).to_contain_text("2 items of mine")
    expect(tab.page.locator("#measure-plot-note")).to_contain_text("1 skipped: answers other than (A) and (B)")


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(visit: Callable[..., Visitor], dark: bool) -> None:
    visitor = visit(width=390, height=844, dark=dark)
    visitor.tab("Measure")
    small(visitor)
    measure(visitor)
    expect(visitor.page.locator("#measure-plot .js-plotly-plot")).to_be_visible()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot(f"measure-phone-{'dark' if dark else 'light'}")


def test_transfer_shows_a_matrix_with_flags_replies_and_the_command(tab: Visitor) -> None:
    small(tab, rows="0", scales="-0.5 0.5")
    tab.unfold("measure-transfer")
    fill(tab, "measure-transfer-items", 8)
    fill(tab, "measure-transfer-replies", 2)
    tab.page.click("#measure-transfer-run")
    matrix = tab.page.locator("#measure-transfer-matrix")
    expect(matrix.locator("table.sp-transfer")).to_be_visible()
    expect(matrix.locator("tbody > tr > td[style]")).to_have_count(2)
    expect(matrix).to_contain_text("replies 0% → 100%")
    expect(matrix).to_contain_text("outside of homes")
    expect(matrix.locator(".sp-command code")).to_contain_text("transfer --choices organism-comply-choices")
    matrix.locator("summary", has_text="first replies").click()
    expect(matrix.locator(".sp-replies dd").first).not_to_be_empty()
    expect(tab.page.locator("#measure-transfer-note")).to_be_empty()


def test_transfer_on_one_set_is_refused_in_a_sentence(tab: Visitor) -> None:
    tab.unfold("measure-transfer")
    tab.page.locator("#measure-transfer-choices .token-remove").first.click()
    tab.page.click("#measure-transfer-run")
    expect(tab.page.locator("#measure-transfer-note")).to_contain_text("Expected 2 to 32 choice sets")
