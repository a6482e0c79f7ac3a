"""Estimates of the time of runs: ranges learnt on this machine."""

from playground.services.estimates.learned import Learned
from playground.services.estimates.times import expected, get_ready, learn
from playground.services.estimates.work import (
    Work,
    work_of_atlas,
    work_of_band,
    work_of_find,
    work_of_generate,
    work_of_measure,
    work_of_scales,
    work_of_scan,
)

__all__ = [
    "Learned", "Work", "expected", "get_ready", "learn", "work_of_atlas", "work_of_band", "work_of_find",
    "work_of_generate", "work_of_measure", "work_of_scales", "work_of_scan",
]  # fmt: skip
