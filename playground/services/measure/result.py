"""Results of measurements: items, rows of (vector, scale), and both while it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.library.origin import library_versions, now
from playground.library.prompt_set import PromptSet
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.measure.request import MeasuredVector, MeasureRequest
from playground.services.mix import LoadSet

By = Literal["logit", "log-probability"]
"""How two answers are compared: by the logits of the one token in which they differ, or by the log-probability of the
whole answers, summed over their tokens (the model reading each answer as it would have written it)."""

Kind = Literal["baseline", "vector", "random"]


@dataclass(frozen=True)
class MeasuredItem:
    """An item that could be scored. `number` is its place in the set, from 0. `letter` is the answer that shows the
    behaviour as the set labels it (“(A)”), "" in a set of free answers.
    """

    number: int
    question: str
    matching: str
    other: str
    letter: str
    by: By


@dataclass(frozen=True)
class SkippedItem:
    """An item that could not be scored, by its place in the set from 0, and why: a few words, the same for all items
    with the same reason.
    """

    number: int
    reason: str


@dataclass(frozen=True)
class Row:
    """One direction at one scale: what every row says.

    `vector` is what to call it: "baseline", the row's number or "mean:A-B" in the set `source`, or "random-0" and so
    on. `layer` is the block at whose output it is added (None for the baseline). `scale` is the norm of what is added,
    negative for the other way; `relative` is that in units of the residual norm of the vector's set (for a control, of
    the first set at that layer), `multiple` that in multiples of the found scale, None unless the request counts in
    them. A row at scale 0 repeats the baseline.
    """

    kind: Kind
    vector: str
    source: str | None
    layer: int | None
    scale: float
    relative: float
    multiple: float | None = field(default=None, kw_only=True)

    def at(self, unit: str) -> float:
        """Where it stands on an axis of scales in a unit (library/requests.py)."""
        if unit == "f":
            return 0.0 if self.multiple is None else self.multiple  # None: the baseline, or a row at scale 0
        return self.relative if unit == "r" else self.scale

    @property
    def name(self) -> str:
        """What tells the curve it belongs to from others: `set#3`; `random-0`; `baseline`."""
        return self.vector if self.source is None else f"{self.source}#{self.vector}"


SCALE_NAMES = {"f": "multiple of the found scale", "r": "relative scale", "a": "scale"}
"""What scales in a unit are called."""

_PLACE = ("source", "vector", "kind", "layer", "scale", "relative", "multiple")


def frame(lines: Iterable[tuple[Row, Mapping[str, Any]]]) -> Any:
    """A pandas DataFrame: a line for each row with numbers of its own, after where it was measured."""
    import pandas

    return pandas.DataFrame([{**{name: getattr(row, name) for name in _PLACE}, **own} for row, own in lines])


BASELINE: Mapping[str, Any] = {
    "kind": "baseline", "vector": "baseline", "source": None, "layer": None, "scale": 0.0, "relative": 0.0
}  # fmt: skip
"""The fields of Row of what nothing is added for."""


@dataclass(frozen=True)
class MeasuredRow(Row):
    """One direction at one scale, over all items that could be scored.

    `differences` (one an item, in nats) are log-odds of the answer that shows the behaviour over the other one;
    `divergences` (one an item, in nats) KL(steered ‖ baseline) of the next token where the two answers part.
    `mean` of the differences is balanced by letter (see MeasureResult), `low` and `high` bound its 95 % bootstrap
    interval over items, `share` is the part of the items with a difference above 0, on which the behaviour wins, `kl`
    the plain mean of the divergences. All of them are NaN where numbers were not finite.
    """

    differences: tuple[float, ...]
    divergences: tuple[float, ...]
    mean: float
    low: float
    high: float
    share: float
    kl: float


@dataclass(frozen=True)
class MeasuredSet:
    """Where measured vectors came from. `source` is the set as the request names it; `digest` is SHA-256 in hex over
    its vectors, so that another set of the same name is noticed; `residual_norm` is relative scale 1.
    """

    source: str
    method: str
    model: str
    fingerprint: str
    layer: int
    rows: int
    residual_norm: float
    digest: str

    @classmethod
    def of(cls, source: str, vector_set: VectorSet) -> MeasuredSet:
        origin = vector_set.origin
        return cls(
            source,
            origin.method,
            origin.model,
            origin.fingerprint,
            origin.source,
            vector_set.rows,
            origin.residual_norm,
            hashlib.sha256(vector_set.vectors.numpy().tobytes()).hexdigest(),
        )


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What every measurement says of itself, whatever its kind: what it was made on, how long it took, and when.

    `fingerprint` tells the weights apart. `sets` are what the vectors were taken from, in the order of the request.
    `warnings` are sentences. `cancelled`: it was stopped, and numbers are missing. `created` is a time in UTC (ISO
    8601), `seconds` the measuring alone.
    """

    model: str
    fingerprint: str
    dtype: str
    sets: tuple[MeasuredSet, ...] = ()
    warnings: tuple[str, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


def measured_on(loaded: LoadedModel, sources: Iterable[str], load_set: LoadSet) -> dict[str, Any]:
    """The fields of a Measurement that are known when it begins; `sources` are those of the vectors, each once."""
    return {
        "model": loaded.name,
        "fingerprint": loaded.fingerprint,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "sets": tuple(MeasuredSet.of(source, load_set(source)) for source in sources),
        "versions": library_versions(),
        "created": now(),
    }


@dataclass(frozen=True)
class SideEffect:
    """`kl`: KL(steered ‖ baseline) of the next token in nats, mean over neutral prompts. `repetition` (the share of
    4-grams of tokens that repeat) and `perplexity` under the model as it is (geometric mean; None when it wrote
    nothing) of short answers to some of them; `text` is the first of these.
    """

    kl: float
    repetition: float
    perplexity: float | None
    text: str


@dataclass(frozen=True)
class SideEffects:
    """What rows do on the prompts of `neutral`: the side effect of a row by its place among the rows of a result."""

    neutral: PromptSet
    of_rows: Mapping[int, SideEffect]


@dataclass(frozen=True)
class MeasureResult(Measurement):
    """`rows` are those that were finished: vectors in the order of the request, then controls (once for each layer and
    norm at which vectors are), each with its scales in rising order. `baseline` stands beside them.

    `letters` counts the scored items by the answer that shows the behaviour, such as (("(A)", 24), ("(B)", 24)). The
    mean of a row is the mean over these letters of the mean over their items, so that a preference for a letter is not
    taken for an effect; `letters` is empty in a set of free answers, where it is the plain mean. `by` says how answers
    were compared, "mixed" when that differs between items. `side_effects`: None where they were not measured.
    """

    request: MeasureRequest
    items: tuple[MeasuredItem, ...]
    skipped: tuple[SkippedItem, ...]
    letters: tuple[tuple[str, int], ...]
    by: Literal["logit", "log-probability", "mixed"]
    baseline: MeasuredRow
    rows: tuple[MeasuredRow, ...]
    side_effects: SideEffects | None = None

    def curve(self, vector: MeasuredVector) -> tuple[MeasuredRow, ...]:
        """The rows of one vector, scales rising; fewer than were asked for when the run was stopped."""
        return tuple(row for row in self.rows if row.source == vector.source and row.vector == vector.label)

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row, the baseline first; numbers of single items are left out."""
        names = ("mean", "low", "high", "share", "kl")
        return frame((row, {name: getattr(row, name) for name in names}) for row in (self.baseline, *self.rows))

    def controls(self, layer: int) -> tuple[MeasuredRow, ...]:
        """The rows of all random directions at `layer`."""
        return tuple(row for row in self.rows if row.kind == "random" and row.layer == layer)

    def skipped_reasons(self) -> dict[str, int]:
        """How many items were skipped for each reason."""
        counts: dict[str, int] = {}
        for item in self.skipped:
            counts[item.reason] = counts.get(item.reason, 0) + 1
        return counts


@dataclass(frozen=True)
class MeasureProgress:
    """After `done` of `total` rows (a part of one counts). `result` holds the rows that are finished, None until the
    baseline is.

    `new` are the rows finished since the last event. `seconds_to_go` is an estimate at the pace so far, None before
    there is one.
    """

    done: float
    total: int
    seconds: float
    seconds_to_go: float | None
    new: tuple[MeasuredRow, ...] = ()
    result: MeasureResult | None = None

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total
