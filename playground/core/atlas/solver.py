"""Leading singular vectors of the Jacobians of all layer pairs, from sweeps that the pairs share.

Every source has a basis B of right vectors and every target a basis C of left vectors, which serve all pairs of their
row or column: neighbouring layers have nearly the same leading subspaces. Sweeps go forward and backward in turn. After
each, every pair says what its leading vectors lack of the bases (pair.py); the leading part of what the unfinished
pairs of a layer lack is carried in the next sweep, each row only as far as a pair needs it. Bases grow; rows thrown
away between sweeps would have to be found again.

The first rows of the sources come from random ones of the last target alone, whose one pass shows each source what
reaches the end of the model: half a sweep for the price of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.atlas.known import Known
from playground.core.atlas.pair import Approximation, approximate
from playground.core.atlas.sweeps import Carried, Pair, PairOperator, Sweeps, cost
from playground.core.geometry import orthonormalise, with_fixed_signs
from playground.core.krylov import Spectrum, iterate
from playground.core.settings import KrylovSettings
from playground.errors import Cancelled, InputError

ROWS_BESIDE = 4
"""Rows of a first basis, and at most of each later sweep, beyond the vectors wanted."""
_ALONE = 0.1
"""Pairs of this share of the layers, and of neighbours, are solved alone: where layers are close the spectrum is flat,
bases shared with others miss vectors that nothing shows, and products cost little. It is 1 or 2 % of solving all
alone."""
_ALONE_TOLERANCE = 0.03
"""Of their residuals."""
_FILLED = 0.7
"""Rows are added until what every pair lacks is below this share of the tolerance."""
_NEEDED = 0.5
"""A pair needs a row that holds this share of the squared tolerance of one of its vectors."""
_EMPHASIS = 0.3
"""What lacks most counts most when rows are chosen: rests are weighed by this power of their length."""


@dataclass(frozen=True)
class AtlasSettings:
    """`vectors`: k of every pair. `tolerance`: sine of the angle to the bases at which a vector is done, less where the
    spectrum is flat (`Approximation.gap_weights`). `sweeps`: at most so many forward and so many backward.
    """

    vectors: int = 4
    tolerance: float = 0.16
    sweeps: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if self.vectors < 1 or self.sweeps < 1:
            raise InputError(f"Expected 1 or more vectors and sweeps, got {self.vectors} and {self.sweeps}.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"Expected a tolerance between 0 and 1, got {self.tolerance}; 0.16 is usual.")


@dataclass(frozen=True)
class PairSpectrum:
    """Leading singular values (k,) of a pair, descending, right vectors (k, n) as orthonormal rows, float32, and
    whether all of them are done: every σ is then within 2 % of the truth.
    """

    singular_values: Tensor
    vectors: Tensor
    converged: bool


@dataclass(frozen=True)
class AtlasStep:
    """A sweep came to a layer: the values (k,) so far of the pairs it told more of. `whole`: the sweep, or a pair that
    is solved alone, has ended, and the solver's state may be kept.
    """

    sweep: int
    values: Mapping[Pair, Tensor]
    unfinished: int
    rows_times_blocks: int
    whole: bool


class AtlasSolver:
    """Solves all pairs of `sweeps`; `run` may be left at any step, and `spectra` then holds what there is."""

    def __init__(self, sweeps: Sweeps, settings: AtlasSettings) -> None:
        outputs, width = sweeps.shape
        if settings.vectors > min(outputs, width):
            raise InputError(
                f"Expected at most {min(outputs, width)} vectors from Jacobians of {outputs} outputs by {width} "
                f"inputs, got {settings.vectors}; ask for fewer, or read the effect on more tokens."
            )
        self._sweeps = sweeps
        self._settings = settings
        self._right = Known(sweeps.pairs, width, outputs, at_target=False)
        self._left = Known(sweeps.pairs, outputs, width, at_target=True)
        self._found: dict[Pair, Approximation] = {}
        self._alone: dict[Pair, PairSpectrum] = {}
        self._open = set(sweeps.pairs)  # that are not done
        self._close = max(1, round(_ALONE * (sweeps.targets[-1] - sweeps.sources[0])))
        self._sweep, self._forward = 0, True  # sweeps that are done, and which way the next one goes
        self.rows_times_blocks = 0
        """What was spent so far."""

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[AtlasStep]:
        """Sweep until every pair is done, as a step a layer. `cancelled` is asked at each; it ends the run early."""
        try:
            for pair in self._sweeps.pairs:
                if pair[1] - pair[0] <= self._close and pair not in self._alone:
                    yield self._solved_alone(pair, cancelled)
            while self._sweep < 2 * self._settings.sweeps:
                # Of an unfinished pair one side at least lacks something.
                rows = self._lacking(of_targets=not self._forward) if self._sweep else self._first_rows()
                if not rows:
                    self._forward = not self._forward
                    rows = self._lacking(of_targets=not self._forward)
                if not rows:
                    break
                yield from self._swept(rows, cancelled)
                self._sweep, self._forward = self._sweep + 1, not self._forward
                yield self._step({}, whole=True)
        except Cancelled:
            return

    def state(self) -> dict[str, Tensor]:
        """Everything that was computed, by name. From one taken at a `whole` step a run goes on as if never stopped."""
        state = {f"right.{name}": tensor for name, tensor in self._right.state().items()}
        state |= {f"left.{name}": tensor for name, tensor in self._left.state().items()}
        for (source, target), found in self._alone.items():
            state[f"alone.{source}.{target}.values"] = found.singular_values
            state[f"alone.{source}.{target}.vectors"] = found.vectors
            state[f"alone.{source}.{target}.converged"] = torch.tensor(found.converged)
        state["counts"] = torch.tensor([self._sweep, self._forward, self.rows_times_blocks])
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave, for the same sweeps and settings."""
        for known, name in ((self._right, "right."), (self._left, "left.")):
            known.load({key[len(name) :]: tensor for key, tensor in state.items() if key.startswith(name)})
        for key in state:
            if key.startswith("alone.") and key.endswith(".values"):
                stem = key.removesuffix("values")
                pair = (int(key.split(".")[1]), int(key.split(".")[2]))
                self._take_alone(
                    pair, PairSpectrum(state[key], state[f"{stem}vectors"], bool(state[f"{stem}converged"]))
                )
        sweep, forward, spent = state["counts"].tolist()
        self._sweep, self._forward, self.rows_times_blocks = sweep, bool(forward), spent
        for pair, images in self._right.images.items():
            if len(images):
                self._approximate(pair)

    @property
    def spectra(self) -> dict[Pair, PairSpectrum]:
        """What is known of every pair that a sweep has come to."""
        swept = {pair: self._spectrum(found) for pair, found in self._found.items()}
        return dict(sorted((swept | self._alone).items()))

    @property
    def unfinished(self) -> tuple[Pair, ...]:
        """Pairs that are not done."""
        return tuple(sorted(self._open))

    def _spectrum(self, found: Approximation) -> PairSpectrum:
        vectors = with_fixed_signs(orthonormalise(found.vectors))
        return PairSpectrum(found.singular_values.float(), vectors.float(), self._complete(found))

    def _solved_alone(self, pair: Pair, cancelled: Callable[[], bool]) -> AtlasStep:
        settings = KrylovSettings(
            vectors=self._settings.vectors, tolerance=_ALONE_TOLERANCE, seed=self._settings.seed
        )
        *_, spectrum = iterate(PairOperator(self._sweeps, pair), settings, cancelled)
        assert isinstance(spectrum, Spectrum)
        self.rows_times_blocks += spectrum.products * (pair[1] - pair[0])
        if len(spectrum.singular_values):
            self._take_alone(pair, PairSpectrum(spectrum.singular_values, spectrum.vectors, spectrum.converged))
        if cancelled():
            raise Cancelled
        return self._step({pair: spectrum.singular_values}, whole=True)

    def _first_rows(self) -> dict[int, Carried]:
        outputs, width = self._sweeps.shape
        generator = torch.Generator().manual_seed(self._settings.seed)
        count = min(self._settings.vectors + ROWS_BESIDE, width)
        first, last = self._sweeps.sources[0], self._sweeps.targets[-1]
        drawn = torch.randn(min(count, outputs), outputs, generator=generator)
        start = {last: Carried(orthonormalise(drawn), (first,) * len(drawn))}
        self.rows_times_blocks += cost(start)
        rows = {}
        for source, images in self._sweeps.backward(start):
            beside = torch.randn(count, width, generator=generator)
            basis = orthonormalise(torch.cat([_leading(images[last].cpu().double(), count), beside.double()]))[:count]
            rows[source] = Carried(basis.float(), (last,) * count)
        return {source: rows[source] for source in sorted(rows)}

    def _swept(self, rows: dict[int, Carried], cancelled: Callable[[], bool]) -> Iterator[AtlasStep]:
        forward = self._forward
        known = self._right if forward else self._left
        for layer, carried in rows.items():
            known.add(layer, carried)
        self.rows_times_blocks += cost(rows)
        for layer, images in self._sweeps.forward(rows) if forward else self._sweeps.backward(rows):
            if cancelled():
                raise Cancelled
            values = {}
            for start, arrived in images.items():
                pair = (start, layer) if forward else (layer, start)
                if pair not in self._alone:
                    known.arrived(pair, arrived)
                    self._approximate(pair)
                    values[pair] = self._found[pair].singular_values.float()
            yield self._step(values, whole=False)

    def _step(self, values: Mapping[Pair, Tensor], whole: bool) -> AtlasStep:
        return AtlasStep(self._sweep, values, len(self._open), self.rows_times_blocks, whole)

    def _approximate(self, pair: Pair) -> None:
        found = approximate(*self._right.of(pair), *self._left.of(pair), self._settings.vectors)
        self._found[pair] = found
        self._mark(pair, self._complete(found))

    def _take_alone(self, pair: Pair, spectrum: PairSpectrum) -> None:
        self._alone[pair] = spectrum
        self._mark(pair, spectrum.converged)

    def _mark(self, pair: Pair, done: bool) -> None:
        (self._open.discard if done else self._open.add)(pair)

    def _lacking(self, of_targets: bool) -> dict[int, Carried]:
        """The rows that the next sweep carries from each layer: what unfinished pairs lack there."""
        wanted: dict[int, list[tuple[Tensor, int]]] = {}
        for pair in self.unfinished:
            if pair in self._alone:
                continue
            found = self._found[pair]
            rests = found.left_rest if of_targets else found.right_rest
            lengths = rests.norm(dim=1) * found.gap_weights()
            for rest in rests[lengths > self._settings.tolerance]:
                wanted.setdefault(pair[of_targets], []).append((rest, pair[not of_targets]))
        return {layer: self._chosen(layer, rests) for layer, rests in wanted.items()}

    def _chosen(self, layer: int, rests: list[tuple[Tensor, int]]) -> Carried:
        """The leading rows of what pairs lack at a layer, each with the farthest layer that needs it."""
        lacking = torch.stack([rest for rest, _ in rests])
        ends = [end for _, end in rests]
        most = self._settings.vectors + ROWS_BESIDE
        rows = _leading(lacking * lacking.norm(dim=1, keepdim=True) ** _EMPHASIS, most)
        shares = (lacking @ rows.T).square()
        left = (lacking.square().sum(dim=1, keepdim=True) - shares.cumsum(dim=1)).clamp(min=0).sqrt()
        filled = (left <= _FILLED * self._settings.tolerance).all(dim=0)
        count = int(filled.int().argmax()) + 1 if bool(filled.any()) else len(rows)
        reach = []
        for place in range(count):
            needing = shares[:, place] > _NEEDED * self._settings.tolerance**2
            needing[shares[:, place].argmax()] = True
            needed = [end for end, need in zip(ends, needing.tolist(), strict=True) if need]
            reach.append(max(needed, key=lambda end: abs(end - layer)))
        order = sorted(range(count), key=lambda place: -abs(reach[place] - layer))
        return Carried(rows[order].float(), tuple(reach[place] for place in order))

    def _complete(self, found: Approximation) -> bool:
        if len(found.singular_values) < self._settings.vectors:
            return False
        lengths = torch.maximum(found.right_rest.norm(dim=1), found.left_rest.norm(dim=1))
        return bool((lengths * found.gap_weights() <= self._settings.tolerance).all())


def _leading(rows: Tensor, count: int) -> Tensor:
    """The leading `count` right singular vectors of rows (r, n), or as many as there are."""
    squares, axes = torch.linalg.eigh(rows @ rows.T)
    kept = squares > 1e-14 * squares[-1]
    basis: Tensor = (axes[:, kept] / squares[kept].sqrt()).T @ rows
    return basis.flip(0)[:count]

