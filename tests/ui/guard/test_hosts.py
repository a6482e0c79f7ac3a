"""guard/hosts.py: which Host and Origin headers are answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.ui.guard.hosts import LOOPBACK, Hosts

HERE = Hosts.served("127.0.0.1")
EVERYWHERE = Hosts.served("0.0.0.0", allowed=["play.example"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:80"])
def test_a_page_of_this_machine_answers_to_its_own_names(host):
    assert HERE.problem({"host": host}) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a/b", "user@localhost", "192.168.0.9", "[::"]
)
def test_other_hosts_are_refused_in_a_sentence(host):
    assert HERE.problem({"host": host}).startswith("Expected a Host this page is served by")


def test_a_stranger_with_a_matching_origin_is_a_stranger():
    for hosts in (HERE, EVERYWHERE):
        assert hosts.problem({"host": "evil.example", "origin": "http://evil.example"}) is not None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:8000", "file://", "http://127.0.0.1:99999", "http://[x"]
)
def test_pages_of_other_origins_may_ask_nothing(origin):
    assert "Expected a request from this page" in HERE.problem({"host": "localhost:7860", "origin": origin})


def test_the_page_itself_may_ask():
    assert HERE.problem({"host": "localhost:7860", "origin": "http://localhost:7860"}) is None
    assert EVERYWHERE.problem({"host": "play.example", "origin": "https://play.example"}) is None
    assert EVERYWHERE.problem({"host": "10.1.2.3:7860", "origin": "http://10.1.2.3:7860"}) is None


def test_behind_a_proxy_the_page_is_the_name_that_was_allowed_or_that_the_proxy_tells():
    behind = {"host": "127.0.0.1:7860", "origin": "https://play.example"}
    assert EVERYWHERE.problem(behind) is None
    assert HERE.problem(behind) is not None
    assert HERE.problem({**behind, "x-forwarded-host": "play.example"}) is None


def test_a_share_link_and_a_space_are_known_by_their_names(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "me-play.hf.space")
    assert Hosts.served("0.0.0.0").problem({"host": "me-play.hf.space"}) is None
    assert Hosts.served("127.0.0.1", share=True).problem({"host": "0123abc.gradio.live"}) is None
    assert HERE.problem({"host": "0123abc.gradio.live"}) is not None


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_headers_say_the_answer_is_a_sentence_or_nothing(host, origin):
    problem = HERE.problem({"host": host, "origin": origin})
    assert problem is None or (problem.isprintable() and len(problem) < 400)
    if problem is None:
        assert host.lower().rpartition(":")[0] in LOOPBACK | {"[::1]"} or host.lower().rstrip(":") in LOOPBACK
