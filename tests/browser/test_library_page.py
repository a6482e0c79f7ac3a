"""Library: what is saved can be looked at, named, renamed, deleted, brought back, taken in and taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect
from visiting import Site, Visitor, soon

from playground.core.contrast import random_directions
from playground.library import vector_set as files
from playground.library.exchange import read_directions
from playground.library.origin import now
from playground.library.vector_set import Origin, RowNote, VectorSet


def made(site: Site, name: str, width: int | None = None, model: str | None = None, rows: int = 3) -> VectorSet:
    """A small set that belongs to the loaded model, or does not."""
    loaded = site.workbench.require()
    width = loaded.width if width is None else width
    origin = Origin(
        model=model or loaded.name, fingerprint=loaded.fingerprint if model is None else "0" * 16, width=width,
        block_count=loaded.block_count, source=3, method="random", residual_norm=10.0, created=now(),
        prompts=("A prompt with <b>markup</b>",),
    )
    return VectorSet(random_directions(rows, width, 0), origin, name=name)


@pytest.fixture
def kept(site: Site) -> Iterator[str]:
    """A set in the library for one test."""
    site.store.save(made(site, "kept"), "kept", overwrite=True)
    yield "kept"
    for name in set(site.store.names()) & {"kept", "renamed", "taken-in", "taken-in-2"}:
        site.store.delete(name)


@pytest.fixture
def library(visit: Callable[..., Visitor], kept: str) -> Visitor:
    visitor = visit()
    visitor.tab("Library")
    visitor.page.click(f"#library-sets tr[data-name='{kept}']")
    visitor.page.wait_for_selector("#library-rows .sp-look")
    return visitor


def test_a_set_shows_where_it_comes_from(library: Visitor) -> None:
    details = library.text("library-details")
    assert "block 3" in details
    places = "([name, value]) => name.offsetTop === value.offsetTop && name.offsetLeft < value.offsetLeft"
    facts = library.page.locator("#library-details .sp-facts")
    assert facts.evaluate(
        f"""(list) => {{
          const cells = [...list.children];
          const pairs = cells.filter((_, i) => i % 2 === 0).map((name, i) => [name, cells[2 * i + 1]]);
          return pairs.every({places});
        }}"""
    ), "every value stands beside its name"
    library.page.click("#library-details details summary")
    assert "A prompt with <b>markup</b>" in library.text("library-details")
    library.shot("library-desktop")


def test_words_of_a_set_are_read_on_a_click_and_go_with_another_set(library: Visitor, site: Site) -> None:
    words = library.page.locator("#library-rows .sp-words")
    expect(words).to_have_count(0)
    library.page.click("#library-words")
    expect(words).to_have_count(3)
    expect(library.page.locator("#library-rows .sp-caution")).to_contain_text("to first order at 1 prompt")
    expect(library.page.locator("#status")).to_contain_text("ready")
    library.shot("library-words")
    library.page.click("#library-sets tr[data-name='organism-refusals-power-3-9']")
    expect(library.page.locator("#library-title")).to_contain_text("organism-refusals")
    expect(words).to_have_count(0)


def test_words_are_read_through_a_lens_and_one_that_does_not_fit_is_refused(library: Visitor, tmp_path: Path) -> None:
    page = library.page
    words, upload = page.locator("#library-rows .sp-words"), page.locator("input[type=file][accept='.pt']")
    narrow = tmp_path / "narrow.pt"
    torch.save({"J": {3: torch.eye(6)}, "n_prompts": 7, "d_model": 6}, narrow)
    upload.set_input_files(narrow)
    expect(page.locator("#library-words-notice [role=alert]")).to_contain_text("Expected a lens of width 256")
    expect(words).to_have_count(0)
    lens = tmp_path / "own_lens.pt"
    turned = torch.randn(256, 256, generator=torch.Generator().manual_seed(0)) / 16
    torch.save({"J": {3: turned.half()}, "n_prompts": 7, "source_layers": [3], "d_model": 256}, lens)
    upload.set_input_files(lens)
    expect(words).to_have_count(3)
    caution = page.locator("#library-rows .sp-caution")
    expect(caution).to_contain_text("through the lens own_lens.pt")
    expect(caution).to_contain_text("a mean over many prompts")
    through = words.all_inner_texts()
    library.shot("library-lens")
    page.click("#library-words")
    expect(caution).not_to_contain_text("lens")
    assert words.all_inner_texts() != through


def test_label_star_and_note_are_in_the_file(library: Visitor, site: Site) -> None:
    library.page.locator("#library-rows .sp-name").nth(1).fill("speaks in kites")
    library.page.locator("#library-rows .sp-name").nth(1).press("Enter")
    library.page.locator("#library-rows .sp-star").nth(1).click()
    library.page.locator("#library-rows .sp-note").nth(1).fill("at 0.5 only")
    library.page.locator("#library-rows .sp-note").nth(1).press("Tab")
    expect(library.page.locator("#library-sets tr[data-name='kept']")).to_contain_text("★ 1")
    said = RowNote("speaks in kites", star=True, note="at 0.5 only")
    assert soon(lambda: site.store.load("kept").notes[1] == said), site.store.load("kept").notes[1]
    library.tab("Steer")
    library.page.click("#mix-0-set input")
    library.page.get_by_role("option", name="kept", exact=True).click()
    expect(library.page.locator("#mix-0-row input")).to_have_value(re.compile("★ 1 “speaks in kites”"))


def test_naming_a_vector_leaves_its_page_and_what_is_being_typed(library: Visitor, site: Site) -> None:
    site.store.save(made(site, "long", rows=100), "long", overwrite=True)
    try:
        rows = library.page.locator("#library-rows")
        library.page.click("#library-sets tr[data-name='long']")
        rows.get_by_role("button", name="later").click()
        rows.locator(".sp-name[data-row='60']").fill("a kite")
        rows.locator(".sp-name[data-row='60']").press("Enter")
        assert soon(lambda: site.store.load("long").notes[60].label == "a kite")
        rows.locator(".sp-note[data-row='61']").type("not done ye")
        library.page.locator("#library-description textarea, #library-description input").fill("under way")
        site.store.save(made(site, "narrow", width=8), "narrow", overwrite=True)  # somebody else's
        expect(library.page.locator("#library-sets tr[data-name='narrow']")).to_be_visible()
        expect(rows.locator(".sp-name[data-row='60']")).to_have_value("a kite")
        expect(rows.locator(".sp-note[data-row='61']")).to_have_value("not done ye")
        expect(library.page.locator("#library-description textarea, #library-description input")).to_have_value(
            "under way"
        )
        site.store.annotate("long", 62, RowNote("from elsewhere"))
        expect(rows.locator(".sp-name[data-row='62']")).to_have_value("from elsewhere")
    finally:
        for name in set(site.store.names()) & {"long", "narrow"}:
            site.store.delete(name)


def test_rename_delete_and_undo(library: Visitor, site: Site) -> None:
    library.page.fill("#library-name input, #library-name textarea", "renamed")
    library.page.click("#library-rename")
    expect(library.page.locator("#library-notice")).to_contain_text("Renamed kept to renamed")
    assert "renamed" in site.store.names()
    assert "kept" not in site.store.names()
    library.page.click("#library-delete")
    expect(library.page.locator("#library-notice")).to_contain_text("Deleted renamed")
    assert "renamed" not in site.store.names()
    library.page.click("#library-undo")
    expect(library.page.locator("#library-notice")).to_contain_text("Brought back renamed")
    assert "renamed" in site.store.names()


def test_a_name_that_is_taken_or_impossible_is_refused(library: Visitor, site: Site) -> None:
    for name in ("../outside", ""):
        library.page.fill("#library-name input, #library-name textarea", name)
        library.page.click("#library-rename")
        expect(library.page.get_by_test_id("toast-body").first).to_contain_text("Expected a name")
        library.page.get_by_test_id("toast-close").first.click()
    assert "kept" in site.store.names()


def test_upload_takes_a_set_in(library: Visitor, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "taken-in.safetensors"
    files.save(replace(made(site, "taken-in")), path)
    with library.page.expect_file_chooser() as chooser:
        library.page.click("#library-upload")
    chooser.value.set_files(path)
    expect(library.page.locator("#library-notice")).to_contain_text("Took in taken-in")
    assert "taken-in" in site.store.names()


def test_upload_of_a_broken_file_is_one_sentence_and_nothing_else(library: Visitor, site: Site, tmp_path: Path) -> None:
    before = site.store.names()
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"not a set at all")
    with library.page.expect_file_chooser() as chooser:
        library.page.click("#library-upload")
    chooser.value.set_files(path)
    expect(library.page.get_by_test_id("toast-body")).to_contain_text("Expected a safetensors file")
    assert site.store.names() == before


def test_a_broken_file_in_the_folder_is_listed_with_what_is_wrong(visit: Callable[..., Visitor], site: Site) -> None:
    path = site.store.folder / "damaged.safetensors"
    path.write_bytes(b"nothing")
    try:
        visitor = visit()
        visitor.tab("Library")
        expect(visitor.page.locator("#library-sets .sp-broken")).to_contain_text("Expected a safetensors file")
    finally:
        path.unlink()


def test_a_set_for_another_width_is_refused_in_a_sentence(visit: Callable[..., Visitor], site: Site) -> None:
    site.store.save(made(site, "narrow", width=8, model="elsewhere/narrow"), "narrow", overwrite=True)
    try:
        visitor = visit()
        visitor.tab("Library")
        visitor.page.click("#library-sets tr[data-name='narrow']")
        expect(visitor.page.locator("#library-details .sp-warning")).to_contain_text("width 8")
        expect(visitor.page.locator("#library-open")).to_be_disabled()
    finally:
        site.store.delete("narrow")


def test_a_set_of_another_model_is_warned_of(visit: Callable[..., Visitor], site: Site) -> None:
    site.store.save(made(site, "foreign", model="elsewhere/other"), "foreign", overwrite=True)
    try:
        visitor = visit()
        visitor.tab("Library")
        visitor.page.click("#library-sets tr[data-name='foreign']")
        expect(visitor.page.locator("#library-details .sp-warning")).to_contain_text("elsewhere/other")
        visitor.page.click("#library-open")
        expect(visitor.page.locator("#mix-0-set input")).to_have_value("foreign")
    finally:
        site.store.delete("foreign")


def test_download_is_the_file(library: Visitor, site: Site, tmp_path: Path) -> None:
    with library.page.expect_download() as download:
        library.page.click("#library-download")
    path = tmp_path / "got.safetensors"
    download.value.save_as(path)
    assert files.load(path).rows == 3


def test_vectors_go_to_other_tools_and_come_back(library: Visitor, site: Site, tmp_path: Path) -> None:
    page = library.page
    library.unfold("library-export")
    page.fill("#library-export-scale input, #library-export-scale textarea", "8")
    page.click("#library-export-make")
    expect(page.locator("#library-export-note")).to_contain_text("one vector a layer")
    expect(page.locator("#library-export-note .sp-command code")).to_contain_text(
        "export kept --rows 0 --scale=8 --format gguf --out kept-0.gguf"
    )
    with page.expect_download() as download:
        page.click("#library-export-file")
    control = tmp_path / "taken-in.gguf"
    download.value.save_as(control)
    found = read_directions(control)
    torch.testing.assert_close(found.layers[3][0], 8 * site.store.load("kept").unit(0))
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    library.shot("library-export")

    page.click("#library-export-format input")
    page.get_by_role("option", name="PyTorch tensors (.pt)", exact=True).click()
    expect(page.locator("#library-export-file")).to_have_count(0)  # that was the file of another choice
    page.click("#library-export-what input")
    page.get_by_role("option", name="all vectors", exact=True).click()
    page.fill("#library-export-scale input, #library-export-scale textarea", "")
    page.click("#library-export-make")
    page.wait_for_selector("#library-export-file")
    page.click("#library-export-what input")
    page.get_by_role("option", name="all vectors", exact=True).click()  # tells what was chosen before, as a late edit
    page.wait_for_timeout(1000)
    with page.expect_download() as download:
        page.click("#library-export-file")
    tensors = tmp_path / "taken-in.pt"
    download.value.save_as(tensors)

    try:
        with page.expect_file_chooser() as chooser:
            page.click("#library-upload")
        chooser.value.set_files(tensors)
        expect(page.locator("#library-incoming-about")).to_contain_text("does not say how layers are counted")
        expect(page.locator("#library-incoming-layer")).to_have_count(0)
        library.shot("library-incoming")
        page.click("#library-take")
        expect(page.locator("#library-notice")).to_contain_text("Expected how layers are counted")
        page.get_by_label("indices into hidden_states").click()
        page.click("#library-take")
        expect(page.locator("#library-notice")).to_contain_text("Took in taken-in with 3 vectors")
        expect(page.locator("#library-incoming")).to_have_count(0)
        taken = site.store.load("taken-in")
        assert (taken.origin.source, taken.origin.method) == (2, "imported")
        assert torch.equal(taken.vectors, site.store.load("kept").vectors)
        with page.expect_file_chooser() as chooser:
            page.click("#library-upload")
        chooser.value.set_files(control)
        expect(page.locator("#library-incoming-counted")).to_have_count(0)
        page.click("#library-take")
        expect(page.locator("#library-notice")).to_contain_text("Took in taken-in-2 with 1 vector")
        assert site.store.load("taken-in-2").origin.source == 3
    finally:
        for name in set(site.store.names()) & {"taken-in", "taken-in-2"}:
            site.store.delete(name)
