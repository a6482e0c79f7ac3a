"""A short load test: what comes back is checked, times are not, since other tests run beside it."""

from __future__ import annotations

from tests.trust.load import run


def test_visitors_at_once_get_their_own_texts_or_a_sentence():
    record, _ = run(visitors=4, minutes=0.4, seed=1)
    assert not record.wrong, record.wrong
    assert record.counts["equal to the recipe alone"] >= 1
    assert record.counts["status"] >= 3
