"""The Atlas tab: it opens on the map that ships, fills in another, and leads from a cell to texts in the gallery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect
from transformers import AutoModelForCausalLM, AutoTokenizer
from visiting import Site, Visitor, fill

from playground.library import atlas as files
from playground.model.load import load
from playground.places import ASSETS, SHIPPED_ATLASES
from playground.services.atlas import atlas, atlas_request
from playground.services.atlas.colours import COLOURS
from playground.services.set_prompts import format_of
from playground.ui.atlas.map import GAIN, map_html


def test_it_opens_on_a_true_map_and_a_cell_says_its_numbers(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    cells = page.locator("#atlas-map .sp-mapcell")
    expect(cells).to_have_count(66)
    expect(page.locator("#atlas-progress")).to_contain_text("66 pairs")
    page.locator(".sp-mapcell[data-source='3'][data-target='9']").click()
    expect(page.locator("#atlas-cell")).to_contain_text("Blocks 3 → 9")
    expect(page.locator(".sp-mapcell.sp-chosen")).to_have_attribute("data-target", "9")
    before = page.locator("#atlas-map").inner_html()
    page.locator("#atlas-colour input").click()
    page.get_by_role("option", name="last σ over first", exact=True).click()
    expect(page.locator("#atlas-about")).to_contain_text("near 0 the first stands out")
    assert page.locator("#atlas-map").inner_html() != before


def test_effects_are_measured_and_colour_the_map(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    fill(visitor, "atlas-effect-scale", 0.2)
    page.click("#atlas-effects")
    expect(page.locator("#atlas-colour input")).to_have_value("KL at 0.2 r")
    expect(page.locator("#atlas-map .sp-maplegend")).to_contain_text("KL at 0.2 r")
    page.locator(".sp-mapcell[data-source='3'][data-target='9']").click()
    expect(page.locator("#atlas-cell")).to_contain_text("KL at 0.2 r over random")


def test_arrows_walk_over_the_cells_and_enter_opens_one(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    page.locator(".sp-mapcell[data-source='3'][data-target='9']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#atlas-cell")).to_contain_text("Blocks 4 → 10")


def test_a_map_is_computed_kept_and_opened_again(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    fill(visitor, "atlas-step", 3)
    fill(visitor, "atlas-vectors", 2)
    page.click("#atlas-compute")
    expect(page.locator("#atlas-progress")).to_contain_text("10 pairs, 2 vectors each")
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(10)
    expect(page.locator("#atlas-command code")).to_contain_text("playground atlas --prompts organism-refusals")
    page.click("#atlas-keep")
    expect(page.locator("#atlas-keep")).to_contain_text("Kept as organism-refusals")
    kept = list((site.store.folder / "atlases").glob("*.atlas.safetensors"))
    assert len(kept) == 1
    visitor.page.locator("#atlas-kept input").click()
    page.get_by_role("option", name="organism", exact=True).click()
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
    page.locator("#atlas-kept input").click()
    page.get_by_role("option", name="organism-refusals", exact=True).click()
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(10)
    kept[0].unlink()


def test_stop_keeps_the_pairs_that_are_known(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    fill(visitor, "atlas-use", 24)
    page.click("#atlas-compute")
    expect(page.locator("#atlas-map .sp-mapcell").first).to_be_visible()
    page.wait_for_timeout(1000)
    page.click("#stop")
    expect(page.locator("#atlas-progress")).to_contain_text("stopped")
    expect(page.locator("#atlas-progress")).to_contain_text("not converged")


def test_a_cell_leads_to_texts_of_its_vectors(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    page.locator(".sp-mapcell[data-source='3'][data-target='9']").click()
    page.locator("#atlas-cell [data-act=gallery]").click()
    expect(page.get_by_role("tab", name="Discover")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    expect(page.locator("#discover-gallery .sp-galrow")).to_have_count(4)
    expect(page.locator("#discover-command code")).to_contain_text("--source 3 --target 9")
    texts = page.locator("#discover-gallery .sp-galcell .sp-text").all_inner_texts()
    assert len(set(texts)) > 2


def test_a_click_on_a_cell_writes_its_first_texts_and_words(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    page.locator(".sp-mapcell[data-source='3'][data-target='9']").click()
    expect(page.locator("#atlas-cell .sp-words")).to_have_count(4)
    expect(page.locator("#atlas-cell .sp-caution")).to_contain_text("they are noise")
    texts = page.locator("#atlas-cell .sp-celltexts .sp-text").all_inner_texts()
    assert len(texts) == 8
    assert len(set(texts)) > 3, "the vectors of this cell change what is said"
    expect(page.locator("#atlas-cell .sp-celltexts").first).to_be_in_viewport()
    expect(page.locator(".sp-mapcell.sp-chosen")).to_be_in_viewport()
    visitor.shot("atlas-texts")


def test_the_next_click_ends_the_reading_of_the_last(visitor: Visitor) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    for target in (6, 8, 10):
        page.locator(f".sp-mapcell[data-source='2'][data-target='{target}']").click()
        expect(page.locator("#atlas-cell")).to_contain_text(f"Blocks 2 → {target}")
    expect(page.locator("#atlas-cell .sp-words")).to_have_count(4)
    expect(page.locator("#atlas-cell h2")).to_contain_text("2 → 10")
    expect(page.locator("#atlas-notice")).to_have_text("")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Atlas of a copy of the organism with other weights in block 7, of every third layer."""
    folder = tmp_path_factory.mktemp("copy")
    network = AutoModelForCausalLM.from_pretrained(ASSETS / "organism", dtype=torch.float32)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".7." in name:
                weight.add_(0.5 * weight.std() * torch.randn(weight.shape, generator=noise))
    network.save_pretrained(folder)
    AutoTokenizer.from_pretrained(ASSETS / "organism").save_pretrained(folder)
    shipped = files.load(SHIPPED_ATLASES / "organism.atlas.safetensors").origin
    loaded = load(str(folder), device="cpu", dtype="float32")
    request = atlas_request(
        loaded, prompts=shipped.prompts, prompt_set=shipped.prompt_set, format=format_of(shipped), vectors=2, step=3
    )
    path = folder / "changed.atlas.safetensors"
    files.save(atlas(loaded, request).atlas, path)
    return path


def test_another_models_atlas_adds_colours_that_say_what_changed(visitor: Visitor, changed: Path) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    visitor.unfold("atlas-compare")
    page.locator("#atlas-other-upload input[type=file]").set_input_files(changed)
    said = page.locator("#atlas-compared")
    expect(said).to_contain_text("changed beside organism: 10 pairs compared")
    expect(said).to_contain_text("directions turned most at")
    expect(said.locator("code")).to_contain_text("compare-atlases organism changed")
    expect(page.locator("#atlas-colour input")).to_have_value("angle of leading subspaces")
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(10)
    page.locator("#atlas-colour input").click()
    page.get_by_role("option", name="log-ratio of gains", exact=True).click()
    expect(page.locator("#atlas-map .sp-map.sp-diverging")).to_be_visible()
    cell = page.locator(".sp-mapcell[data-source='3'][data-target='9']")
    title = cell.get_attribute("title") or ""
    assert "log-ratio of gains" in title
    assert "angle of leading subspaces" in title
    cell.click()
    expect(page.locator("#atlas-cell .sp-words")).to_have_count(4)
    expect(page.locator("#atlas-cell .sp-facts")).to_contain_text("angle of leading subspaces")
    visitor.shot("atlas-difference")
    page.locator("#atlas-colour input").click()
    page.get_by_role("option", name="gain σ₁", exact=True).click()
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
    assert "angle" in (cell.get_attribute("title") or ""), "hover tells it under every colour"


def test_what_cannot_be_compared_is_refused_beside_its_control(visitor: Visitor, changed: Path) -> None:
    page = visitor.page
    visitor.tab("Atlas")
    visitor.unfold("atlas-compare")
    upload = page.locator("#atlas-other-upload input[type=file]")
    refused = page.locator("#atlas-other-notice [role=alert]")
    for name, reason in (("organism", "same vectors"), ("smollm2-135m-instruct", "two models of one architecture")):
        upload.set_input_files(SHIPPED_ATLASES / f"{name}.atlas.safetensors")
        expect(refused).to_contain_text(reason)
        expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
        page.locator("#atlas-other-upload").get_by_label("Clear").click()
    upload.set_input_files(changed)
    expect(page.locator("#atlas-other-notice")).to_contain_text("The map shows how changed differs")
    expect(refused).to_have_count(0)


def test_a_kept_atlas_of_another_model_is_offered_and_given_up_again(
    visit: Callable[..., Visitor], site: Site, changed: Path
) -> None:
    kept = site.store.folder / "atlases" / changed.name
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(changed.read_bytes())
    try:
        visitor = visit()
        page = visitor.page
        visitor.tab("Atlas")
        expect(page.locator("#atlas-kept input")).to_have_value("organism")
        visitor.unfold("atlas-compare")
        page.locator("#atlas-kept input").click()
        page.get_by_role("option", name="organism", exact=True).click()
        page.locator("#atlas-other input").click()
        expect(page.get_by_role("option", name="organism", exact=True)).to_have_count(0)
        page.get_by_role("option", name="changed", exact=True).click()
        expect(page.locator("#atlas-compared")).to_contain_text("10 pairs compared")
        page.locator("#atlas-other input").click()
        page.get_by_role("option", name="none", exact=True).click()
        expect(page.locator("#atlas-compared")).to_have_text("")
        expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
    finally:
        kept.unlink()


def test_on_a_phone_the_map_fits(visit: Callable[..., Visitor]) -> None:
    phone = visit(width=390, height=844)
    phone.tab("Atlas")
    expect(phone.page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("layers", [30, 104])
def test_a_map_of_many_layers_scrolls_in_its_card(visit: Callable[..., Visitor], layers: int) -> None:
    """Drawn by the page's own code for a deeper model than any that ships, at the width of a phone."""
    pairs = {(s, t): 1.0 + s for s in range(layers) for t in range(s + 1, layers)}
    drawn = map_html(range(layers), pairs, COLOURS[GAIN], {pair: [gain] for pair, gain in pairs.items()})
    phone = visit(width=390, height=844)
    phone.tab("Atlas")
    page = phone.page
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(66)
    page.locator("#atlas-map .sp-mapscroll").evaluate("(map, drawn) => { map.parentElement.innerHTML = drawn; }", drawn)
    expect(page.locator("#atlas-map .sp-mapcell")).to_have_count(len(pairs))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        """() => {
          const heads = [...document.querySelectorAll('#atlas-map [role=columnheader]')];
          const boxes = heads.map((head) => {
            const range = document.createRange();
            range.selectNodeContents(head);
            return range.getBoundingClientRect();
          });
          return boxes.every((box, i) => i === 0 || box.left >= boxes[i - 1].right);
        }"""
    ), "labels lie on one another"
    scroll = page.locator("#atlas-map .sp-mapscroll")
    scroll.evaluate("map => map.scrollTo(1e6, 0)")
    card, last = scroll.bounding_box(), page.locator("#atlas-map .sp-mapmean").first.bounding_box()
    assert card is not None
    assert last is not None
    assert last["x"] + last["width"] <= card["x"] + card["width"] + 1, "the last column cannot be reached"
    row = page.locator("#atlas-map [role=rowheader]").first.bounding_box()
    assert row is not None
    assert row["x"] >= card["x"] - 3, "the name of a row scrolls away"
