"""Every event of the page, over raw HTTP, with fields out of range, of a wrong type, and too long."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `import endpoints`

import endpoints

from playground.limits import PUBLIC, tightened


@pytest.fixture(scope="module")
def page():
    with tightened(PUBLIC), endpoints.serving() as page:
        yield page


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is watched on Linux")
def test_no_value_of_any_field_costs_memory_time_or_a_traceback(page):
    """A sample; `python -m tests.trust.endpoints` sends all."""
    before = endpoints.generated(page)
    assert len(before) == 3
    memory = endpoints.begin_peak()
    count, wrong = endpoints.run(page, endpoints.sample(list(endpoints.attacks(page))), patience=0.3)
    assert wrong == []
    assert count > 300
    assert endpoints.peak() - memory < endpoints.MOST_MEMORY
    assert endpoints.generated(page) == before


def test_a_billion_restarts_are_refused_at_once_by_their_limit(page):
    event = page.named("discover-compute")
    changes = {"discover-method": "MELBO", "discover-melbo-restarts": 10**9}
    memory = endpoints.begin_peak()
    answer = page.send(event, page.values(event, changes))
    said = " ".join(answer.messages) + answer.text
    assert f"from 1 to {PUBLIC.restarts}, got 1000000000" in said
    assert answer.seconds < 2
    assert endpoints.peak() - memory < 100


def test_a_prompt_of_ten_megabytes_is_refused_before_it_is_tokenised(page):
    event = page.named("steer-generate")
    memory = endpoints.begin_peak()
    answer = page.send(event, page.values(event, {"steer-prompt": "kite " * 2_000_000}))
    assert f"at most {PUBLIC.all_characters}" in " ".join(answer.messages)
    assert answer.seconds < 5
    assert endpoints.peak() - memory < 200
