"""Results of measurements: rows (one direction at one scale), and the metadata of every measurement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from playground.analyses import registry
from playground.analyses.analysis import Analysis
from playground.analyses.common.json_values import plain
from playground.errors import InputError
from playground.library.mix import LoadSet
from playground.library.origin import library_versions, now
from playground.library.vector_set import VectorSet, vectors_hash
from playground.model.load import LoadedModel

if TYPE_CHECKING:
    from playground.analyses.common.labels import Labels

Kind = Literal["baseline", "vector", "random"]
Lines = tuple[Sequence[str], Iterator[Sequence[object]]]
"""Names of columns, and lines."""


@dataclass(frozen=True)
class Row:
    """One direction at one scale, with the fields of the rows of all analyses.

    `vector` is its label: "baseline", the row's number or "mean:A-B" in the set `source`, or "random-0" and so
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

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The quantity of its analysis, with the bounds of its interval: (value, low, high)."""
        raise NotImplementedError

    def at(self, unit: str) -> float:
        """The scale in a unit (library/checks.py)."""
        if unit == "f":
            return 0.0 if self.multiple is None else self.multiple  # None: the baseline, or a row at scale 0
        return self.relative if unit == "r" else self.scale

    @property
    def name(self) -> str:
        """The name of its curve: `set#3`; `random-0`; `baseline`."""
        return self.vector if self.source is None else f"{self.source}#{self.vector}"


SCALE_NAMES = {"f": "multiple of the found scale", "r": "relative scale", "a": "scale"}
"""Names of scales by their unit."""

PLACE = ("source", "vector", "kind", "layer", "scale", "relative", "multiple")
"""Columns of the fields of Row in tables."""


class Place(TypedDict):
    """The fields of Row by their names."""

    kind: Kind
    vector: str
    source: str | None
    layer: int | None
    scale: float
    relative: float
    multiple: NotRequired[float | None]


BASELINE: Place = {
    "kind": "baseline", "vector": "baseline", "source": None, "layer": None, "scale": 0.0, "relative": 0.0
}  # fmt: skip
"""The fields of Row of the baseline, for which nothing is added."""


@dataclass(frozen=True)
class MeasuredSet:
    """A vector set that measured vectors are taken from. `source` is the set as the request names it; `digest` is
    SHA-256 in hex over its vectors, so that another set of the same name is noticed; `residual_norm` is relative scale
    1.
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
            vectors_hash(vector_set),
        )


OF_EVERY = ("model", "fingerprint", "dtype", "warnings", "cancelled", "seconds", "versions", "created")
"""Fields of every measurement that its document holds as they are."""


@dataclass(frozen=True, kw_only=True)
class Measurement(ABC):
    """The result of a measurement, whatever its analysis: the request, the model, the vector sets, duration and date.

    `fingerprint` identifies the weights. `sets` are the vector sets in the order of the request. `warnings` are
    sentences. `cancelled`: it was stopped, and numbers are missing. `created` is a time in UTC (ISO 8601), `seconds`
    the duration of measuring alone.
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

    request: Any

    @property
    def analysis(self) -> Analysis:
        """The analysis of its request."""
        return registry.of(self.request)

    def to_dict(self) -> dict[str, Any]:
        """The document that its file holds (vectors/MEASURES.md), as JSON values."""
        return {
            "kind": self.analysis.name,
            **{name: plain(getattr(self, name)) for name in OF_EVERY},
            "sets": [asdict(one) for one in self.sets],
            **self.analysis.load("document").to_fields(self),
        }

    @abstractmethod
    def plot(self) -> Any:
        """Its main plot as a plotly figure; what draws it is the page's, named by a path and imported when used."""

    @abstractmethod
    def to_frame(self) -> Any:
        """Its numbers as a pandas DataFrame."""

    @abstractmethod
    def row_lines(self, labels: Labels) -> Lines:
        """Columns and lines of its numbers for a table file; `label` is the label of the vector."""

    @abstractmethod
    def item_lines(self, labels: Labels) -> Lines:
        """Columns and lines of the values of every item for a table file."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """The command line's JSON output, without the fields of `about`."""

    @abstractmethod
    def lines(self) -> list[str]:
        """The lines of the command line's text output."""

    @property
    @abstractmethod
    def amount(self) -> str:
        """The size of what was measured, in words."""

    @property
    @abstractmethod
    def complete(self) -> str:
        """The finished part of a cancelled measurement, in words."""

    def about(self) -> dict[str, Any]:
        """Model, duration, cancellation and warnings, as JSON values."""
        return {
            "model": self.model,
            "seconds": self.seconds,
            "cancelled": self.cancelled,
            "warnings": list(self.warnings),
        }

    def check_beside(self, before: Measurement) -> None:
        """Raises InputError unless `before` can be drawn on the axes of this one."""
        if type(before) is not type(self) or before.request.asked.hash != self.request.asked.hash:
            raise InputError(
                "Expected two measurements of one kind and one set to draw beside each other, got others; choose "
                "another."
            )


class MeasuredOn(TypedDict):
    """The fields of a Measurement that are known when it begins."""

    model: str
    fingerprint: str
    dtype: str
    sets: tuple[MeasuredSet, ...]
    versions: Mapping[str, str]
    created: str


def measured_on(loaded: LoadedModel, sources: Iterable[str], load_set: LoadSet) -> MeasuredOn:
    """The fields of a Measurement that are known when it begins; `sources` are those of the vectors, each once."""
    return {
        "model": loaded.name,
        "fingerprint": loaded.fingerprint,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "sets": tuple(MeasuredSet.of(source, load_set(source)) for source in sources),
        "versions": library_versions(),
        "created": now(),
    }
