"""What the running server promises: shares, absent readers, Stop, places in the queue. Spoken over HTTP."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from playground.services.session import Workbench
from playground.ui.guard.readers import ABSENT
from tests.trust.serving import served
from tests.trust.speaking import Refused, Speaking

SLACK = 4.0
"""Seconds beside a promise, for a machine that does something else."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Workbench]]:
    with served(tmp_path_factory.mktemp("vectors")) as running:
        yield running


@pytest.fixture
def tab(site: tuple[str, Workbench]) -> Iterator[Callable[[], Speaking]]:
    yield lambda: Speaking(site[0]).open()
    jobs = site[1].jobs
    jobs.cancel_all()
    until(lambda: jobs.running is None and jobs.status().waiting == 0, 10)


def until(holds: Callable[[], bool], seconds: float) -> float:
    """Seconds until it holds; fails after `seconds`."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"did not happen within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def endless(workbench: Workbench, seconds: float = 60.0) -> threading.Event:
    """A job of somebody else, which runs until the event is set."""
    begun, over = threading.Event(), threading.Event()

    def work(model, context):
        begun.set()
        end = time.monotonic() + seconds
        while not over.is_set() and not context.cancelled() and time.monotonic() < end:
            time.sleep(0.005)

    workbench.start("working for another", work, owner="another")
    assert begun.wait(10)
    return over


def test_a_run_that_nobody_reads_ends(site, tab):
    absent, (_, workbench) = tab(), site
    absent.set("discover-method", "MELBO")
    absent.set("discover-melbo-steps", 20_000)
    absent.join(absent.event("discover-compute"))
    until(lambda: workbench.jobs.running is not None, 20)
    job = workbench.jobs.running
    until(lambda: job.finished, ABSENT + 2 + SLACK)
    assert job.seconds > ABSENT / 2


def test_what_waits_and_is_not_read_leaves_the_queue(site, tab):
    absent, (_, workbench) = tab(), site
    over = endless(workbench)
    absent.join(absent.event("steer-generate"))
    until(lambda: workbench.jobs.status(absent.session).waiting == 1, 10)
    until(lambda: workbench.jobs.status(absent.session).waiting == 0, ABSENT + 2 + SLACK)
    over.set()


def test_a_hundred_joins_of_one_visitor_are_refused_in_a_sentence_and_others_are_served(site, tab):
    greedy, guest, (_, workbench) = tab(), tab(), site
    over = endless(workbench)
    said: list[Refused] = []
    for _ in range(110):
        try:
            greedy.join(greedy.event("steer-generate"))
        except Refused as refusal:
            said.append(refusal)
    assert len(said) >= 70
    assert {refusal.status for refusal in said} == {429}
    assert all(refusal.sentence.startswith("Expected") for refusal in said)
    begun = time.monotonic()
    newcomer = tab()
    assert time.monotonic() - begun < 5 + SLACK
    assert "yours" not in newcomer.value("status")
    over.set()
    guest.click("steer-generate")
    assert guest.value("steer-panes").count("sp-pane") >= 2


def test_who_waits_is_told_the_place_and_the_status_answers_meanwhile(site, tab):
    guest, (_, workbench) = tab(), site
    over = endless(workbench)
    joined = threading.Thread(target=guest.click, args=("steer-generate",))
    joined.start()
    until(lambda: workbench.jobs.status(guest.session).mine is not None, 10)
    onlooker = tab()
    begun = time.monotonic()
    poll = next(event for event in onlooker.events if any(target[1] == "tick" for target in event["targets"]))
    onlooker.fire(poll)
    assert time.monotonic() - begun < 1 + SLACK
    assert "1 waiting" in onlooker.value("status")
    assert workbench.jobs.status(guest.session).mine.position == 1
    over.set()
    joined.join(30)
    assert not joined.is_alive()


def test_stop_clears_what_waits_of_this_visitor_and_nothing_of_others(site, tab):
    mine, other, (_, workbench) = tab(), tab(), site
    over = endless(workbench)
    threads = [threading.Thread(target=one.click, args=("steer-generate",)) for one in (mine, other)]
    for thread in threads:
        thread.start()
    until(lambda: workbench.jobs.status().waiting == 2, 10)
    assert mine.now("stop").status_code == 200
    until(lambda: workbench.jobs.status(mine.session).mine is None, 1 + SLACK)
    assert workbench.jobs.status(other.session).mine is not None
    over.set()
    for thread in threads:
        thread.join(30)


def test_a_session_belongs_to_the_browser_that_began_it(site, tab):
    mine = tab()
    thief = Speaking(site[0])
    thief.open()
    thief.session = mine.session
    thief.click("steer-generate")
    assert any("another one" in said for said in [*thief.warnings, str(thief.value("steer-notice"))])


def test_a_stranger_with_a_matching_origin_is_answered_nothing(site):
    for method in ("GET", "POST", "OPTIONS"):
        headers = {"host": "evil.example", "origin": "http://evil.example", "access-control-request-method": "POST"}
        answer = httpx.request(method, site[0], headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_that_is_too_large_costs_nothing(site, tab):
    with pytest.raises(Refused, match="Expected at most 2 MB"):
        tab().join({"id": 0, "inputs": []}, data=["x" * 3_000_000])


def test_a_run_that_was_to_be_kept_outlives_its_page_and_is_shown_after_a_reload(site, tab):
    mine, (url, workbench) = tab(), site
    mine.fire(mine.event("keep", "input"), data=[True])
    mine.set("discover-method", "MELBO")
    mine.set("discover-melbo-steps", 300)
    mine.set("discover-vectors", 2)
    mine.set("discover-use", 1)
    mine.set("discover-find-scales", False)
    mine.set("discover-write-gallery", False)
    with mine.client.stream("GET", f"{url}/gradio_api/heartbeat/{mine.session}"):  # closing it tells of the closed tab
        mine.join(mine.event("discover-compute"))
        until(lambda: workbench.jobs.running is not None, 20)
    time.sleep(ABSENT + 3)
    again = Speaking(url, mine.client).open()
    poll = next(event for event in again.events if any(target[1] == "tick" for target in event["targets"]))
    again.fire(poll)
    line = again.value("kept-runs")
    assert "Discover" in line
    number = re.search(r'data-act="show" data-name="([0-9a-f]+)"', line)
    assert number is not None
    stranger = tab()
    stranger.click("kept-runs", "act", {"act": "show", "name": number[1]})
    assert "of computation" not in str(stranger.value("discover-progress"))
    again.click("kept-runs", "act", {"act": "show", "name": number[1]})
    assert "of computation" in again.value("discover-progress")
    again.set("discover-name", "kept-by-a-test")
    again.click("discover-save")
    assert "kept-by-a-test" in workbench.store.names()
