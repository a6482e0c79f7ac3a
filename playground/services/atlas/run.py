"""Computes an atlas: events as pairs become known, a state that a stopped run goes on from, and the file's content."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.atlas.solver import ROWS_BESIDE, AtlasSettings, AtlasSolver
from playground.core.time_to_go import Left, TimeToGo
from playground.errors import Cancelled
from playground.library.atlas import Atlas, Pair
from playground.model.cut.memory import within_memory
from playground.model.cut.sharded import ShardedSweeps, Team
from playground.model.cut.sweeps import LayerSweeps
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.services.atlas.request import USUAL_SWEEPS, AtlasRequest
from playground.services.find.origin import origin_of


@dataclass(frozen=True)
class AtlasProgress:
    """How far it is: `values` (k,) of the pairs that are better known than before, `unfinished` of `pairs` pairs."""

    values: Mapping[Pair, Tensor]
    unfinished: int
    pairs: int
    seconds: float
    share: float
    seconds_to_go: float | None
    longer: bool = False


@dataclass(frozen=True)
class AtlasResult:
    """`rows_times_blocks` is what was computed: a product of one row with the Jacobian of one block counts 1."""

    atlas: Atlas
    seconds: float
    cancelled: bool
    unfinished: int
    rows_times_blocks: int


@within_memory
@interrupts_passes
def atlas(
    loaded: LoadedModel,
    request: AtlasRequest,
    emit: Callable[[AtlasProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    keep: Callable[[dict[str, Tensor]], None] | None = None,
    so_far: Mapping[str, Tensor] | None = None,
    team: Team | None = None,
) -> AtlasResult:
    """The leading vectors of all pairs of the request's layers.

    `keep` is called with the state after every sweep, to be written at once; `so_far` is such a state, of the same
    request on the same model, to go on from. A cancel returns the pairs that are known, marked as not converged where
    they are not; before there is one it raises Cancelled. With a `team` this is its first process, the
    others `serve` the same sweeps. Raises InputError for layers, k and prompts that do not fit, ModelError when memory
    runs out.
    """
    begun, time_to_go = time.perf_counter(), TimeToGo()
    find = request.find
    own = prepared(loaded, request, cancelled)
    sweeps = own if team is None else ShardedSweeps(own, team)
    solver = AtlasSolver(sweeps, AtlasSettings(find.k, seed=find.seed))
    if so_far is not None:
        solver.load(so_far)
    usual = USUAL_SWEEPS * (find.k + ROWS_BESIDE) * request.blocks

    def tell(values: Mapping[Pair, Tensor], unfinished: int, share: float, left: Left) -> None:
        seconds = time.perf_counter() - begun
        emit(AtlasProgress(values, unfinished, len(sweeps.pairs), seconds, share, left.seconds, left.longer))

    known = {pair: found.singular_values for pair, found in solver.spectra.items()}
    tell(known, len(solver.unfinished), 0.0, time_to_go.at(0.0))
    share = 0.0
    try:
        for step in solver.run(cancelled):
            # What is left shrinks with what is unfinished, and cannot be told before.
            spent = step.rows_times_blocks / usual
            share = max(share, min(spent / (spent + 0.1), 0.99) if spent > 1 else 0.9 * spent)
            tell(step.values, step.unfinished, share, time_to_go.at(share))
            if step.whole and keep is not None:
                keep(solver.state())
    finally:
        if isinstance(sweeps, ShardedSweeps):
            sweeps.end()  # also after an error: the other processes wait within it
    spectra = {pair: found for pair, found in solver.spectra.items() if len(found.singular_values) == find.k}
    if not spectra:
        raise Cancelled
    seconds = time.perf_counter() - begun
    norms = torch.zeros(loaded.block_count)
    for layer, norm in own.residual_norms.items():
        norms[layer] = norm
    parameters = {"atlas": True} | ({"step": request.step} if request.step > 1 else {})
    made = Atlas(
        pairs=torch.tensor(list(spectra)),
        singular_values=torch.stack([found.singular_values for found in spectra.values()]),
        vectors=torch.stack([found.vectors for found in spectra.values()]),
        converged=torch.tensor([found.converged for found in spectra.values()]),
        residual_norms=norms,
        origin=origin_of(
            loaded, find, target_tokens=find.last_tokens, parameters=parameters,
            residual_norm=float(norms[find.source]), converged=not solver.unfinished, seconds=seconds,
        ),
    )
    tell({}, len(solver.unfinished), 1.0, Left(0.0))
    return AtlasResult(made, seconds, cancelled(), len(solver.unfinished), solver.rows_times_blocks)


def prepared(
    loaded: LoadedModel, request: AtlasRequest, cancelled: Callable[[], bool] = lambda: False
) -> LayerSweeps:
    """The Jacobians of all pairs of a request's layers, behind their products."""
    find = request.find
    return LayerSweeps.prepare(
        loaded, request.encode(loaded), request.sources, request.targets, find.last_tokens, find.memory_budget,
        cancelled,
    )  # fmt: skip
