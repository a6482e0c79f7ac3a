"""A public page: nobody changes what others see, and only listed models load. Spoken over HTTP, past the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from playground.services.session import Workbench
from tests.trust.serving import served
from tests.trust.speaking import Speaking


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Workbench, Path]]:
    folder = tmp_path_factory.mktemp("vectors")
    with served(folder, public=True) as (url, workbench):
        yield url, workbench, folder


@pytest.fixture
def tab(site: tuple[str, Workbench, Path]) -> Callable[[], Speaking]:
    return lambda: Speaking(site[0]).open()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_stranger_neither_deletes_nor_renames_a_shipped_set(site, tab):
    before, stranger = files(site[2]), tab()
    name = first_set(site)
    stranger.click("library-sets", "act", {"act": "open", "name": name})
    stranger.click("library-delete")
    assert any("the same for everyone here" in said for said in stranger.warnings)
    stranger.set("library-name", "mine now")
    stranger.click("library-rename")
    assert files(site[2]) == before


def test_a_stranger_brings_no_lens(site, tab):
    stranger = tab()
    stranger.click("library-sets", "act", {"act": "open", "name": first_set(site)})
    stranger.click("library-lens", "upload")
    assert "got one on a public page" in stranger.value("library-words-notice")


def first_set(site: tuple[str, Workbench, Path]) -> str:
    return site[1].store.names()[0]


def test_a_star_is_seen_by_its_visitor_alone(site, tab):
    before, mine, other = files(site[2]), tab(), tab()
    name = first_set(site)
    for one in (mine, other):
        one.click("library-sets", "act", {"act": "open", "name": name})
    mine.click("library-rows", "act", {"act": "label", "row": "0", "value": "my own name for it", "sequence": "1"})
    mine.click("library-sets", "act", {"act": "open", "name": name})
    other.click("library-sets", "act", {"act": "open", "name": name})
    assert "my own name for it" in mine.value("library-rows")
    assert "my own name for it" not in other.value("library-rows")
    assert files(site[2]) == before


@pytest.mark.parametrize("model", ["/etc", "Qwen/Qwen3-0.6B", "../../assets/organism", "http://127.0.0.1:1/x/y"])
def test_only_listed_models_load(site, tab, model):
    stranger = tab()
    before = site[1].generation
    stranger.set("model-name", model)
    stranger.click("model-load")
    assert "this public page loads no others" in stranger.value("model-notice")
    assert site[1].generation == before


def test_a_model_is_not_loaded_while_others_work_with_this_one(site, tab):
    visitor, (_, workbench, _) = tab(), site
    gate = workbench.start("working", lambda model, context: wait(context), owner="another")
    visitor.set("model-name", "organism")
    visitor.click("model-load")
    assert "1 other visitor at work" in visitor.value("model-notice")
    gate.cancel()


def wait(context) -> None:
    while not context.cancelled():
        time.sleep(0.005)


def test_without_the_account_nothing_of_the_page_is_answered(tmp_path):
    with served(tmp_path, accounts=[("me", "a password")]) as (url, _):
        client = httpx.Client()
        for method, path in (("GET", "config"), ("POST", "gradio_api/queue/join"), ("POST", "gradio_api/upload")):
            body: dict[str, Any] = {"json": {"data": [], "session_hash": "x"}}
            sent = {"files": {"files": b"x"}} if path.endswith("upload") else body
            answer = client.request(method, f"{url}/{path}", **({} if method == "GET" else sent))
            assert answer.status_code == 401, path
        assert client.post(f"{url}/login", data={"username": "me", "password": "another"}).status_code == 400
        assert client.post(f"{url}/login", data={"username": "me", "password": "a password"}).status_code == 200
        assert client.get(f"{url}/config").status_code == 200
