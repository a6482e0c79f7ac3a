"""Times of runs on this machine, and the range of times that the next one is expected in.

What is learnt of a kind of run on a model is the factor between the time that its work takes at the measured speed of
the model (work.py, speed.py) and the time that it took. Factors of like and recent runs count most; the range is as
wide as its own forecasts were off, between MOST and LEAST.

Only numbers are kept, by the fingerprint of the model, the device and the kind. A factor counts within BOUND of the
usual one, so that no run, whoever asked for it, makes the estimates absurd.
"""

from __future__ import annotations

import json
import logging
import math
import os
import platform
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.model.load import LoadedModel
from playground.once import log_once
from playground.services.durations import Span
from playground.services.estimates.speed import Speed
from playground.services.estimates.work import Work

_LOG = logging.getLogger(__name__)

VERSION = 1
KEPT = 16
"""Runs of a kind on a model that are kept, the last ones."""
MODELS = 40
"""Models that are kept, the last ones that ran."""
FILE_BYTES = 1 << 20

FACTORS: Mapping[str, float] = {
    "power": 0.4, "melbo": 1.2, "ortho": 1.2, "scales": 3.0, "scan": 3.0, "choices": 5.0, "exact": 0.9, "replies": 0.9,
    "band": 1.8,
}  # fmt: skip
"""Usual factors by kind: seconds of a run over those of its work, measured on two models. Others have 1."""
BOUND = 30.0
"""How far from the usual a factor may be: more is a clock that was changed, or a machine that slept."""
MOST, LEAST = 1.85, 1.3
"""A range ends this many times above and below its middle, at most and at least, once a run of the kind is known."""
WHOLE = 0.2
"""Share of its work that a run must have done for its time to tell anything."""
UNKNOWN, ELSEWHERE = 3.5, 2.5
"""The same before there is any, and when other models ran it on this machine."""
_COVER = 0.85
"""Share of the forecasts that the range is to hold."""
_FORGET = 0.87
"""Weight of a run against the next one."""
_LIKE = 1.5
"""Difference of log work over which the weight of a run falls by e."""


@dataclass(frozen=True)
class Run:
    """A run: its work, the seconds that it took, and those that were expected."""

    calls: float
    tokens: float
    took: float
    expected: float

    @property
    def missed(self) -> float:
        """How far the forecast was off: logarithm of a factor, above 0."""
        return abs(math.log(self.took / self.expected))


class Learned:
    """Speeds and runs of all models on this machine, kept in a file that is read when it is made."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._speeds: dict[str, Speed] = {}
        self._runs: dict[str, dict[str, list[Run]]] = {}
        self._read()

    def speed(self, loaded: LoadedModel) -> Speed | None:
        """The speed of a model on its device; None before it was measured."""
        return self._speeds.get(_name(loaded))

    def keep_speed(self, loaded: LoadedModel, speed: Speed) -> None:
        """Keep the speed that was measured of a model, where it is the best so far."""
        name = _name(loaded)
        with self._lock:
            self._speeds[name] = speed.or_faster(self._speeds.get(name, speed))
            self._touch(name)
            self._write()

    def expect(self, loaded: LoadedModel, work: Work) -> Span | None:
        """The range of seconds that the work is expected to take; None while the speed of the model is unknown, and for
        no work: nothing was asked for that can be done.
        """
        speed = self.speed(loaded)
        if speed is None or work.calls + work.tokens <= 0:
            return None
        middle, wide = self._forecast(_name(loaded), speed, work)
        return Span(middle / wide, middle * wide)

    def learn(self, loaded: LoadedModel, work: Work, took: float, share: float = 1.0) -> None:
        """Keep the seconds that a run took which did `share` of its work."""
        name, speed = _name(loaded), self.speed(loaded)
        if speed is None or share < WHOLE or not 0 < took < math.inf or work.calls + work.tokens <= 0:
            return
        seconds = speed.seconds(work)
        expected, _ = self._forecast(name, speed, work)
        usual = seconds * FACTORS.get(work.kind, 1.0)
        run = Run(work.calls, work.tokens, min(max(took / share, usual / BOUND), usual * BOUND), expected)
        with self._lock:
            runs = self._touch(name)
            runs[work.kind] = [*runs.get(work.kind, ()), run][-KEPT:]
            self._write()

    def _touch(self, name: str) -> dict[str, list[Run]]:
        """The runs of a model, which is the last one now; those that ran longest ago are forgotten."""
        runs = self._runs[name] = self._runs.pop(name, {})
        for old in list(self._runs)[:-MODELS]:
            del self._runs[old], self._speeds[old]
        return runs

    def _forecast(self, name: str, speed: Speed, work: Work) -> tuple[float, float]:
        """Middle and width of the range: it ends `width` times above and below."""
        kind, seconds = work.kind, speed.seconds(work)
        runs = self._runs.get(name, {}).get(kind, [])
        if not runs:
            others = [self._factors(other, kind) for other in self._runs]
            elsewhere = [factor for factors in others for _, factor in factors]
            if elsewhere:
                return seconds * math.exp(sorted(elsewhere)[len(elsewhere) // 2]), ELSEWHERE
            return seconds * FACTORS.get(kind, 1.0), UNKNOWN
        known = self._factors(name, kind)
        weights = [
            _FORGET**age * math.exp(-abs(math.log(size / seconds)) / _LIKE)
            for age, (size, _) in zip(reversed(range(len(known))), known, strict=True)
        ]
        middle = seconds * math.exp(_quantile([factor for _, factor in known], weights, 0.5))
        # The forecast of the first run was a guess: it counts as one that was off by MOST, as do two more beside it.
        missed = [*(run.missed for run in runs[1:]), math.log(MOST)]
        wide = _quantile(missed, [*(_FORGET**age for age in reversed(range(len(runs) - 1))), 0.5], _COVER)
        return middle, min(max(math.exp(wide) * 1.1, LEAST), MOST)

    def _factors(self, name: str, kind: str) -> list[tuple[float, float]]:
        """Of each run of a kind on a model the seconds of its work, and the logarithm of its factor."""
        speed, runs = self._speeds[name], self._runs[name].get(kind, [])
        sizes = [speed.seconds(Work(kind, run.calls, run.tokens)) for run in runs]
        return [(size, math.log(run.took / size)) for size, run in zip(sizes, runs, strict=True)]

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            if self._path.stat().st_size > FILE_BYTES:
                raise ValueError("it is too large")
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if document["version"] != VERSION:
                raise ValueError("it is of another version")
            for name, entry in document["models"].items():
                self._speeds[str(name)] = Speed(*_numbers(entry["speed"], 2))
                kinds = {str(kind): [Run(*_numbers(run, 4)) for run in runs] for kind, runs in entry["runs"].items()}
                self._runs[str(name)] = {kind: runs[-KEPT:] for kind, runs in kinds.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.info("times of earlier runs are left out: %s cannot be read (%s)", self._path, error)
            self._speeds, self._runs = {}, {}

    def _write(self) -> None:
        if self._path is None:
            return
        models = {
            name: {
                "speed": [speed.short, speed.long],
                "runs": {kind: [list(asdict(run).values()) for run in runs] for kind, runs in self._runs[name].items()},
            }
            for name, speed in self._speeds.items()
        }
        data: dict[str, Any] = {"version": VERSION, "models": models}
        try:
            write_atomically(self._path, json.dumps(data).encode())
        except FileError as error:
            log_once(_LOG, logging.INFO, "times of runs are not kept: %s", str(error))


def _name(loaded: LoadedModel) -> str:
    """What a speed depends on: the weights, their number type, the device and the cores it may use."""
    device = torch.cuda.get_device_name(loaded.device) if loaded.device.type == "cuda" else platform.machine()
    cores = f"{torch.get_num_threads()}/{os.cpu_count()}"
    return f"{loaded.fingerprint} {str(loaded.dtype).removeprefix('torch.')} {loaded.device.type} {device} {cores}"


def _numbers(values: Any, count: int) -> list[float]:
    """Positive numbers of a file. Raises ValueError for others."""
    if len(values) != count or not all(isinstance(v, int | float) and 0 <= v < math.inf for v in values):
        raise ValueError(f"Expected {count} positive numbers")
    return [max(float(value), 1e-9) for value in values]


def _quantile(values: list[float], weights: list[float], share: float) -> float:
    """The value below which `share` of the weights lie, half of each value's own included; between two, on the line."""
    pairs = sorted(zip(values, weights, strict=True))
    total, below, last = sum(weights), 0.0, None
    for value, weight in pairs:
        place = (below + weight / 2) / total
        if place >= share:
            if last is None:
                return value
            return last[1] + (value - last[1]) * (share - last[0]) / (place - last[0])
        last, below = (place, value), below + weight
    return pairs[-1][0]
