"""Measuring power iteration and steered generation, both sides of every ratio interleaved in one run."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.krylov import Spectrum, solve
from playground.core.operators import DenseOperator
from playground.core.push import Push
from playground.core.settings import KrylovSettings
from playground.model.cut.layer_slice import LayerSlice
from playground.model.generation.generate import Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from tests.benchmarks.baselines import columns_in_a_batch, columns_one_by_one, orthonormal, subspace_rounds

ENERGY = 0.995
OURS = "this program"
LEAST_SECONDS = 40.0
"""What is over in less goes on in turn until it has taken as long: a busy spell of a second must not decide."""


@dataclass(frozen=True)
class Problem:
    """What is solved: prompts, layers, K and k."""

    loaded: LoadedModel
    encoded: Encoded
    source: int
    target: int
    target_tokens: int = 2
    vectors: int = 12

    @property
    def place(self) -> tuple[LoadedModel, Encoded, int, int, int]:
        return self.loaded, self.encoded, self.source, self.target, self.target_tokens

    def solve(self, settings: KrylovSettings) -> Spectrum:
        """As the playground does it, from the prompts to the vectors; nothing is kept from an earlier run."""
        part = LayerSlice.prepare(*self.place)
        return solve(part.jacobian(), settings)

    def __str__(self) -> str:
        lengths = sorted(set(self.encoded.lengths))
        tokens = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        return (
            f"{self.loaded.summary}, {self.source}→{self.target}, last {self.target_tokens} tokens, "
            f"k = {self.vectors}, {len(self.encoded)} prompt{'s' if len(self.encoded) > 1 else ''} of {tokens} tokens"
        )


@dataclass(frozen=True)
class Row:
    """One way of solving a problem. `seconds` is the whole of it, `ratio` how often ours fits into that.

    `energy` is of all vectors together, `worst` the largest relative error of a singular value in their span.
    """

    name: str
    steps: int
    seconds: float
    energy: float
    worst: float
    ratio: float


def power_iteration(problem: Problem, repeats: int, say: Callable[[str], None]) -> list[Row]:
    """Ours, and each baseline at the fewest rounds that reach ENERGY; medians as of `interleaved`.

    A round of a baseline is timed, and counted as often as the baseline needs it; ours is timed as a whole: stopped, as
    the baselines are, after the fewest steps that reach ENERGY, and at default settings, which go beyond it. Ratios are
    to the former.
    """
    say(f"dense Jacobian of {problem}")
    exact = LayerSlice.prepare(*problem.place).jacobian().dense().double()
    start = random_directions(problem.vectors, exact.shape[1], seed=0)
    rounds = subspace_rounds(exact, start, ENERGY)
    defaults = KrylovSettings(problem.vectors)
    equal = next(
        settings
        for settings in (replace(defaults, steps=steps) for steps in range(1, defaults.steps + 1))
        if energy_share(exact, solve(DenseOperator(exact.float()), settings).vectors) >= ENERGY
    )
    ours = {OURS: equal, f"{OURS}, default settings": defaults}
    begin = orthonormal(start).to(problem.loaded.device)
    ways = {
        **{name: partial(problem.solve, settings) for name, settings in ours.items()},
        "published, each column by itself": lambda: orthonormal(columns_one_by_one(*problem.place, begin)),
        "published, columns in a batch": lambda: orthonormal(columns_in_a_batch(*problem.place, begin)),
    }
    times = interleaved(list(ways.values()), repeats, partial(_announce, say, list(ways)))
    say("the batched baseline in full")
    rows = begin
    for _ in range(rounds):
        rows = orthonormal(columns_in_a_batch(*problem.place, rows))
    reached, worst = energy_share(exact, rows), worst_error(exact, rows)
    own = dict(zip(ways, times, strict=True))
    results = []
    for name, settings in ours.items():
        spectrum = problem.solve(settings)
        found = energy_share(exact, spectrum.vectors), worst_error(exact, spectrum.vectors)
        results.append(Row(name, spectrum.steps, own[name], *found, own[name] / own[OURS]))
    for name in list(ways)[len(ours) :]:
        results.append(Row(name, rounds, rounds * own[name], reached, worst, rounds * own[name] / own[OURS]))
    return results


def generation(
    loaded: LoadedModel, encoded: Encoded, layer: int, norm: float, repeats: int, say: Callable[[str], None]
) -> tuple[float, float]:
    """Tokens a second of the same batch without and with a push on every row at block `layer`, 64 tokens, greedy.

    The push is too small to change a token: rows that end sooner or later would be another amount of work.
    """
    push = Push(layer, 1e-6 * norm * random_directions(1, loaded.width, seed=0)[0])
    sampling = Sampling(max_new_tokens=64)
    n = len(encoded)
    plain, steered = [], []
    for repeat in _turns(repeats):
        for pushes, kept in (([()] * n, plain), ([(push,)] * n, steered)):
            result = generate(loaded, encoded, pushes, "all", sampling)
            steps = max(len(tokens) for tokens in result.token_ids)
            if repeat > 0:
                kept.append(n * steps / result.seconds)  # rows that ended early still cost a place in the batch
        say(f"generation, repeat {repeat}")
    return statistics.median(plain), statistics.median(steered)


def energy_share(jacobian: Tensor, vectors: Tensor) -> float:
    """‖JV‖²/Σσ² over as many singular values as there are vectors."""
    best = torch.linalg.svdvals(jacobian)[: len(vectors)].square().sum()
    return float((jacobian @ vectors.to(jacobian).T).square().sum() / best)


def worst_error(jacobian: Tensor, vectors: Tensor) -> float:
    """Largest relative error of a singular value in the span of the orthonormal rows `vectors`.

    Energy hides it: a vector that was missed at the end of the spectrum, or behind an outlying σ₁, costs little of it.
    """
    best = torch.linalg.svdvals(jacobian)[: len(vectors)]
    return float(((best - torch.linalg.svdvals(jacobian @ vectors.to(jacobian).T)).abs() / best).max())


def interleaved(
    ways: Sequence[Callable[[], object]], repeats: int, announce: Callable[[int, int], None]
) -> list[float]:
    """Median seconds of each way; one warm-up, then all in turn, so that a busy spell of the machine meets them all.

    `repeats` times at least, and as often as LEAST_SECONDS allow.
    """
    times: list[list[float]] = [[] for _ in ways]
    for repeat in _turns(repeats):
        for number, way in enumerate(ways):
            announce(number, repeat)
            begun = time.perf_counter()
            way()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if repeat > 0:
                times[number].append(time.perf_counter() - begun)
    return [statistics.median(taken) for taken in times]


def _turns(repeats: int) -> Iterator[int]:
    """0, a warm-up, to `repeats`, and on until LEAST_SECONDS are over."""
    started = time.perf_counter()
    for repeat in itertools.count():
        if repeat > repeats and time.perf_counter() - started > LEAST_SECONDS:
            return
        yield repeat


def _announce(say: Callable[[str], None], names: list[str], number: int, repeat: int) -> None:
    say(f"{names[number]}, repeat {repeat}")
