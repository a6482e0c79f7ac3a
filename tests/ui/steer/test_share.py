"""What Share takes from the browser, and what it says of this machine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from playground.errors import InputError
from playground.ui.steer.address import model_name
from playground.ui.steer.share import address_of_page


@pytest.mark.parametrize("page", ["http://127.0.0.1:7860/", "https://a-b.hf.space/", "http://[::1]:80/proxy/1/"])
def test_links_begin_with_the_address_of_the_page(page, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert address_of_page(page) == page


LONG = "http://a/" + "x" * 999


@pytest.mark.parametrize("page", ["javascript:alert(1)", 'http://a/"><script>', LONG, None, ["a"], ""])
def test_what_is_no_address_is_refused(page, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    with pytest.raises(InputError, match="reload the page"):
        address_of_page(page)


def test_links_of_a_space_begin_with_its_page(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "somebody/steering")
    assert address_of_page("https://somebody-steering.hf.space/") == "https://huggingface.co/spaces/somebody/steering"


def test_a_local_model_is_named_without_its_folder(tmp_path):
    path = tmp_path / "Smol Model.gguf"
    path.touch()
    assert model_name(SimpleNamespace(name=str(path))) == "Smol Model.gguf"
    assert model_name(SimpleNamespace(name="/gone/a/b")) == "b"
    assert model_name(SimpleNamespace(name="organism")) == "organism"
    assert model_name(SimpleNamespace(name="Some/Model@abc")) == "Some/Model@abc"
