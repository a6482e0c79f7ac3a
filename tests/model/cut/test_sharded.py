"""Sweeps dealt out to several processes: threads stand in for these here; tests/cli launches real ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from playground.core.atlas.solver import AtlasSettings, AtlasSolver
from playground.core.atlas.sweeps import Carried, DenseSweeps, Sweeps
from playground.errors import Cancelled, ModelError
from playground.model.cut.sharded import ShardedSweeps, serve

LAYERS = range(5)
PAIRS = [(source, target) for source in LAYERS for target in LAYERS if source < target]


@dataclass
class Wire:
    """What `count` threads exchange."""

    count: int
    orders: list[queue.Queue[Any]] = field(init=False)
    parts: list[queue.Queue[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.orders = [queue.Queue() for _ in range(self.count)]
        self.parts = [queue.Queue() for _ in range(self.count)]


@dataclass
class ThreadTeam:
    wire: Wire
    place: int

    @property
    def count(self) -> int:
        return self.wire.count

    def tell(self, order: Any = None) -> Any:
        if self.place:
            return self.wire.orders[self.place].get(timeout=30)
        for each in self.wire.orders[1:]:
            each.put(order)
        return order

    def collect(self, part: Any) -> list[Any]:
        self.wire.parts[self.place].put(part)
        return [] if self.place else [each.get(timeout=30) for each in self.wire.parts]


def dense() -> DenseSweeps:
    generator = torch.Generator().manual_seed(0)
    decay = torch.diag(0.7 ** torch.arange(12, dtype=torch.float64))
    return DenseSweeps({pair: torch.randn(20, 12, generator=generator, dtype=torch.float64) @ decay for pair in PAIRS})


@pytest.fixture
def sharded():
    """ShardedSweeps over `count` threads, the others serving what `prepare` gives."""
    ends = []

    def make(count: int, prepare: Callable[[], Sweeps] = dense) -> ShardedSweeps:
        wire = Wire(count)
        threads = [
            threading.Thread(target=serve, args=(prepare, ThreadTeam(wire, place)), daemon=True)
            for place in range(1, count)
        ]
        for thread in threads:
            thread.start()
        team = ThreadTeam(wire, 0)
        sweeps = ShardedSweeps(dense(), team)  # type: ignore[arg-type]
        ends.append((sweeps, team, threads))
        return sweeps

    yield make
    for sweeps, team, threads in ends:
        sweeps.end()
        team.tell(None)
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), "a helper still waits"


def rows(start: int, ends: tuple[int, ...], width: int) -> Carried:
    return Carried(torch.randn(len(ends), width, generator=torch.Generator().manual_seed(start)), ends)


FORWARD = {0: rows(0, (4, 4, 3, 1, 1), 12), 2: rows(2, (4,), 12), 3: rows(3, (4, 4), 12)}
BACKWARD = {4: rows(4, (0, 0, 2, 3), 20), 1: rows(1, (0,), 20)}


@pytest.mark.parametrize("count", [2, 3, 7])
def test_products_are_those_of_one_process(sharded, count):
    sweeps = sharded(count)
    for way, given in (("forward", FORWARD), ("backward", BACKWARD)):
        found, expected = list(getattr(sweeps, way)(given)), list(getattr(dense(), way)(given))
        assert [layer for layer, _ in found] == [layer for layer, _ in expected]
        for (_, images), (_, wanted) in zip(found, expected, strict=True):
            assert images.keys() == wanted.keys()
            for start in wanted:
                torch.testing.assert_close(images[start], wanted[start])


def test_the_solver_finds_the_same(sharded):
    spectra = []
    for sweeps in (sharded(2), dense()):
        solver = AtlasSolver(sweeps, AtlasSettings(vectors=2))
        *_, last = solver.run()
        spectra.append((last.rows_times_blocks, solver.spectra))
    (spent, found), (spent_alone, expected) = spectra
    assert spent == spent_alone
    for pair in PAIRS:
        torch.testing.assert_close(found[pair].singular_values, expected[pair].singular_values)
        torch.testing.assert_close(found[pair].vectors, expected[pair].vectors)


def test_a_sweep_that_is_left_ends_everywhere_and_the_next_is_right(sharded):
    sweeps = sharded(2)
    left = sweeps.forward(FORWARD)
    next(left)
    found, expected = dict(sweeps.backward(BACKWARD)), dict(dense().backward(BACKWARD))
    assert found.keys() == expected.keys()
    torch.testing.assert_close(found[0][4], expected[0][4])


def test_an_error_of_a_helper_reaches_the_first_process(sharded):
    def refuses() -> Sweeps:
        raise ModelError("Expected room, got none; free some.")

    with pytest.raises(ModelError, match="free some"):
        list(sharded(2, refuses).forward(FORWARD))


def test_a_cancel_of_the_first_process_leaves_no_helper_waiting(sharded):
    sweeps = sharded(2)
    solver = AtlasSolver(sweeps, AtlasSettings(vectors=2))
    steps = solver.run(lambda: solver.rows_times_blocks > 100)
    assert list(steps)
    assert solver.unfinished


def test_an_error_in_a_sweep_of_a_helper_is_raised_and_the_next_sweep_runs(sharded):
    class Fails(DenseSweeps):
        times = 0

        def forward(self, rows):
            Fails.times += 1
            for layer, images in super().forward(rows):
                if Fails.times == 1 and layer == 3:
                    raise Cancelled
                yield layer, images

    sweeps = sharded(2, lambda: Fails(dense().matrices))
    with pytest.raises(Cancelled):
        list(sweeps.forward(FORWARD))
    assert [layer for layer, _ in sweeps.forward(FORWARD)] == [1, 2, 3, 4]
