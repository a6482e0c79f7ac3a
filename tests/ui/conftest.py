"""What tests of the page's parts share: how long something takes by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def quickest() -> Callable[[Callable[[], Any]], float]:
    """Seconds of this thread's processor that a call takes at the best of three tries: what other threads do, and a
    search for garbage through all that other tests have left, is not the call's.
    """

    def seconds(call: Callable[[], Any]) -> float:
        tries = []
        for _ in range(3):
            begun = time.thread_time()
            call()
            tries.append(time.thread_time() - begun)
        return min(tries)

    return seconds
