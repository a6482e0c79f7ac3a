"""Sweeps over several processes: each carries its share of the rows, and the first one runs the solver.

`accelerate launch -m playground atlas …` starts one process a device. All hold the model and linearise it at the same
prompts; what a sweep carries is dealt out by rows, and what arrives at a layer is collected before the next one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from playground.core.atlas.sweeps import Carried, Sweeps
from playground.errors import PlaygroundError

Way = Literal["forward", "backward"]
_PATIENCE = timedelta(days=7)
"""Processes wait for the first one: while it writes a file, and while it measures what it measures alone."""


def processes_launched() -> int:
    """How many processes a launcher (accelerate, torchrun) has started for this command."""
    return int(os.environ.get("WORLD_SIZE", "1"))


class Team:
    """The processes of this run, which exchange objects over gloo, whatever their devices are."""

    def __init__(self) -> None:
        from accelerate import PartialState

        state = PartialState()
        self.place, self.count = state.process_index, state.num_processes
        self.device = str(state.device)
        self._group: Any = dist.new_group(backend="gloo", timeout=_PATIENCE)

    def tell(self, order: Any = None) -> Any:
        """What the first process says, to all of them."""
        box = [order]
        dist.broadcast_object_list(box, src=0, group=self._group)
        return box[0]

    def collect(self, part: Any) -> list[Any]:
        """The parts of all, in order, for the first process; nothing for the others."""
        parts: list[Any] | None = [None] * self.count if self.place == 0 else None
        dist.gather_object(part, parts, dst=0, group=self._group)
        return parts or []


class ShardedSweeps(Sweeps):
    """The products of `own`, the same for all processes of `team`, in the first of them. The others `serve`."""

    def __init__(self, own: Sweeps, team: Team) -> None:
        self.sources, self.targets, self.shape = own.sources, own.targets, own.shape
        self.dtype, self.precision, self.device = own.dtype, own.precision, torch.device("cpu")
        self._own, self._team = own, team
        self._under_way: Generator[tuple[int, dict[int, Tensor]]] | None = None

    def forward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        return self._sweep("forward", rows)

    def backward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        return self._sweep("backward", rows)

    def end(self) -> None:
        """A sweep that was left before its last layer: the others stop it too."""
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def _sweep(self, way: Way, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        self.end()
        self._under_way = self._shared(way, rows)
        return self._under_way

    def _shared(self, way: Way, rows: Mapping[int, Carried]) -> Generator[tuple[int, dict[int, Tensor]]]:
        plain = {start: Carried(carried.rows.cpu(), carried.reach) for start, carried in rows.items()}
        self._team.tell((way, plain))
        for layer, part in _parts(self._own, way, plain, self._team):
            parts = self._team.collect(part)
            try:
                for each in parts:
                    if isinstance(each, Exception):
                        raise each
                images = _joined(parts, plain, layer)
                if images:
                    yield layer, images
            except BaseException:
                self._team.tell(False)
                raise
            self._team.tell(True)


def serve(prepare: Callable[[], Sweeps], team: Team) -> None:
    """Carry this process's share of every sweep of what `prepare` gives, until the first process says that it was the
    last. An error of `prepare` is what the first one gets for an answer.
    """
    try:
        own: Sweeps | PlaygroundError = prepare()
    except PlaygroundError as error:
        own = error
    while order := team.tell():
        way, rows = order
        for _, part in _parts(own, way, rows, team) if isinstance(own, Sweeps) else [(-1, own)]:
            team.collect(part)
            if not team.tell():
                break


def _parts(
    own: Sweeps, way: Way, rows: Mapping[int, Carried], team: Team
) -> Iterator[tuple[int, dict[int, Tensor] | Exception]]:
    """What arrives of this process's rows at every layer of a sweep, in order, on the CPU; an exception as a value."""
    place, count = team.place, team.count
    mine = {
        start: Carried(carried.rows[place::count], carried.reach[place::count])
        for start, carried in rows.items()
        if carried.reach[place::count]
    }
    arriving = own.forward(mine) if way == "forward" else own.backward(mine)
    ahead: tuple[int, dict[int, Tensor]] | None = None
    known = False  # what `ahead` is: the next layer that rows of this process come to, None after the last
    for layer in own.targets if way == "forward" else reversed(own.sources):
        try:
            if not known:
                ahead, known = next(arriving, None), True
        except Exception as error:
            yield layer, error
            return
        images: dict[int, Tensor] = {}
        if ahead is not None and ahead[0] == layer:
            images, known = {start: arrived.cpu() for start, arrived in ahead[1].items()}, False
        yield layer, images


def _joined(parts: list[dict[int, Tensor]], rows: Mapping[int, Carried], layer: int) -> dict[int, Tensor]:
    """Rows dealt out to processes, in their order again."""
    images = {}
    for start, carried in rows.items():
        some = [part[start] for part in parts if start in part]
        if some:
            whole = some[0].new_empty(carried.arriving(start, layer), some[0].shape[1])
            for place, part in enumerate(parts):
                if start in part:
                    whole[place :: len(parts)] = part[start]
            images[start] = whole
    return images
