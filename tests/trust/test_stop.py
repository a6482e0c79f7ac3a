"""Stop in every long job: asked about before each block of the model that runs, and heard there."""

from __future__ import annotations

from contextlib import suppress

import pytest

from playground.errors import Cancelled
from playground.model.steering import before_blocks
from tests.trust.stop import long_jobs

JOBS = ("power", "melbo", "ortho", "scales", "scan", "choices", "exact", "next-token", "generate", "linearity")


@pytest.fixture(scope="module")
def jobs(tiny):
    loaded = tiny("llama")
    made = long_jobs(loaded)
    assert set(JOBS) == set(made)
    return loaded, made


class Counter:
    """`cancelled`, which says yes after `yes` questions; the most blocks that ran between two, and those run later."""

    def __init__(self, yes):
        self.asked = self.since = self.most = self.after = 0
        self.yes = yes

    def block(self, states):
        self.since += 1
        if self.asked > self.yes:
            self.after += 1
        else:
            self.most = max(self.most, self.since)

    def cancelled(self):
        self.since, self.asked = 0, self.asked + 1
        return self.asked > self.yes


def counted(jobs, name, yes):
    loaded, made = jobs
    counter = Counter(yes)
    with before_blocks(loaded.model, counter.block), suppress(Cancelled):
        made[name](counter.cancelled)
    return counter


@pytest.mark.parametrize("name", JOBS)
def test_each_long_job_asks_before_every_block_that_runs(jobs, name):
    counter = counted(jobs, name, yes=2000)
    assert counter.asked > 20
    assert counter.most == 1


# What finishes a stopped run: rows that are kept are measured, and texts that are whole are read.
FINISHING = {"power": 40, "melbo": 40, "ortho": 40, "scan": 4}


@pytest.mark.parametrize("name", JOBS)
def test_what_runs_after_a_stop_is_little(jobs, name):
    assert counted(jobs, name, yes=15).after <= FINISHING.get(name, 0)
    assert counted(jobs, name, yes=300).after <= FINISHING.get(name, 0)
