"""Comparison of vector sets: cosines between rows, principal angles between spans, spectra.

The model is not needed. Sets found at different layers are compared too, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any

import torch
from torch import Tensor

from playground.core import geometry
from playground.errors import Cancelled, InputError
from playground.extensions import resolve
from playground.library.rows import check_rows
from playground.library.vector_set import VectorSet
from playground.limits import check_count, limits

"""Rows of all sets together: their cosines are then 128 MiB, and computed in seconds."""

ORTHOGONAL = 0.005
"""Cosines up to here round to 0.00."""

_SPECTRA = (
    ("singular_values", "singular value σ"),
    ("effects", "effect left"),
    ("displacements", "displacement"),
    ("objective", "objective"),
)
"""Values that can be the spectrum of a set: the first that it has, else the norms of its vectors."""


@dataclass(frozen=True)
class ComparedSet:
    """The compared rows of one set. `name` is the set's; `rows` are numbered as in the set.

    `quantity` names what `spectrum` (k,) holds: the first of σ, effect left, displacement or objective that the method
    gave, else the native norm.
    """

    name: str
    rows: tuple[int, ...]
    labels: tuple[str, ...]
    source: int
    quantity: str
    spectrum: Tensor


@dataclass(frozen=True)
class Angles:
    """Principal angles in radians, ascending, between the spans of two sets; `first` and `second` index `sets`."""

    first: int
    second: int
    angles: Tensor


@dataclass(frozen=True)
class Comparison:
    """`cosines` (n, n) float32 of all rows, set after set; `angles` of every pair of sets. `notes` are sentences."""

    sets: tuple[ComparedSet, ...]
    cosines: Tensor
    angles: tuple[Angles, ...]
    notes: tuple[str, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each set begins among the rows of `cosines`."""
        return tuple(accumulate((len(compared.rows) for compared in self.sets[:-1]), initial=0))

    def name(self, index: int) -> str:
        """The name of row `index` of `cosines`: its set, number and label."""
        for compared, start in reversed(list(zip(self.sets, self.starts, strict=True))):
            if index >= start:
                return f"{compared.name} {compared.labels[index - start]}"
        raise IndexError(index)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values: what `compare --json` prints."""
        return {
            "sets": [
                {**vars(each), "rows": list(each.rows), "labels": list(each.labels), "spectrum": each.spectrum.tolist()}
                for each in self.sets
            ],
            "cosines": self.cosines.tolist(),
            "angles": [{**vars(pair), "angles": pair.angles.tolist()} for pair in self.angles],
            "notes": list(self.notes),
        }

    def plot(self) -> Any:
        """A plotly figure: cosines of all rows with all rows."""
        return resolve("playground.ui.measure.compare_plots:cosines")(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame (n, n): `cosines`, rows and columns called as `name` calls them."""
        import pandas

        names = [self.name(index) for index in range(len(self.cosines))]
        return pandas.DataFrame(self.cosines.numpy(), index=names, columns=names)


def compare(
    chosen: Sequence[tuple[VectorSet, tuple[int, ...] | None]],
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Compare sets with each other, each given with the rows that count (None: all); one alone with itself.

    `emit` gets the share done. Raises InputError for no sets, too many sets or rows, rows that are not there, and sets
    of different widths; Cancelled after a cancel.
    """
    check_count("sets to compare", len(chosen), limits().compared_sets, "choose some", least=1)
    first = chosen[0][0]
    for other, _ in chosen[1:]:
        if other.origin.width != first.origin.width:
            raise InputError(
                f"Expected sets of one width, got {first.origin.width} in “{first.name}” and {other.origin.width} in "
                f"“{other.name}”; compare sets made on one model."
            )
    rows = [check_rows(vector_set, numbers) for vector_set, numbers in chosen]
    check_count("rows in all", sum(map(len, rows)), limits().compared_rows, "choose fewer")
    vectors = [vector_set.vectors[list(numbers)] for (vector_set, _), numbers in zip(chosen, rows, strict=True)]
    stacked = torch.cat(vectors)
    cosines = geometry.cosines(stacked, stacked)
    emit(0.2)
    pairs, angles = list(combinations(range(len(chosen)), 2)), []
    for number, (left, right) in enumerate(pairs):
        if cancelled():
            raise Cancelled
        angles.append(Angles(left, right, geometry.principal_angles(vectors[left], vectors[right])))
        emit(0.2 + 0.8 * (number + 1) / len(pairs))
    compared = tuple(
        _compared(vector_set, numbers) for (vector_set, _), numbers in zip(chosen, rows, strict=True)
    )
    return Comparison(compared, cosines, tuple(angles), tuple(_notes([vector_set for vector_set, _ in chosen])))


def pooled(cosines: Tensor, starts: Sequence[int], most: int) -> tuple[Tensor, list[int]]:
    """Max-pool a matrix (n, n) for display: (m, m) with m ≤ most, and the first row in each of its rows.

    Neighbouring rows of one set are grouped (`starts` are the first rows of sets); a group has its largest cosine by
    absolute value, with its sign.
    """
    total = len(cosines)
    if total <= most:
        return cosines, list(range(total))
    bounds = [*starts, total]
    firsts: list[int] = []
    step = -(-total // max(most - len(starts), 1))
    for begin, end in zip(bounds, bounds[1:], strict=False):
        firsts += range(begin, end, step)
    groups = [*firsts, total]
    small = torch.stack([_extreme(cosines[a:b], dim=0) for a, b in zip(groups, groups[1:], strict=False)])
    small = torch.stack([_extreme(small[:, a:b], dim=1) for a, b in zip(groups, groups[1:], strict=False)], dim=1)
    return small, firsts


def closest(comparison: Comparison, count: int = 5) -> tuple[tuple[str, str, float], ...]:
    """Pairs of rows with the largest absolute cosines, by name: of different sets, or of the one set there is.

    Pairs with an absolute cosine up to ORTHOGONAL are left out.
    """
    values = comparison.cosines.abs().triu(diagonal=1)
    if len(comparison.sets) > 1:
        for start, compared in zip(comparison.starts, comparison.sets, strict=True):
            end = start + len(compared.rows)
            values[start:end, start:end] = 0
    top = values.flatten().topk(min(count, values.numel()))
    pairs = [divmod(index, len(values)) for index in top.indices[top.values > ORTHOGONAL].tolist()]
    return tuple((comparison.name(i), comparison.name(j), float(comparison.cosines[i, j])) for i, j in pairs)


def _extreme(values: Tensor, dim: int) -> Tensor:
    """The entry of largest absolute value along `dim`."""
    place = values.abs().argmax(dim=dim, keepdim=True)
    return values.gather(dim, place).squeeze(dim)


def _compared(vector_set: VectorSet, rows: tuple[int, ...]) -> ComparedSet:
    quantity, values = "native norm", vector_set.native_norms
    for name, title in _SPECTRA:
        if getattr(vector_set, name) is not None:
            quantity, values = title, getattr(vector_set, name)
            break
    labels = tuple(vector_set.label(row) for row in rows)
    return ComparedSet(vector_set.name, rows, labels, vector_set.origin.source, quantity, values[list(rows)])


def _notes(sets: Sequence[VectorSet]) -> list[str]:
    notes = []
    layers = sorted({vector_set.origin.source for vector_set in sets})
    if len(layers) > 1:
        notes.append(
            f"The sets are added at blocks {', '.join(map(str, layers))}; a direction may mean different things there."
        )
    models = sorted({vector_set.origin.fingerprint or vector_set.origin.model for vector_set in sets})
    if len(models) > 1:
        notes.append("The sets were made on different models: their cosines need not mean anything.")
    return notes
