"""VectorSet ↔ a safetensors file that describes itself (vectors/FORMAT.md)."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load as deserialize
from safetensors.torch import save as serialize
from torch import Tensor

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.library.direction import Direction
from playground.library.formats.format import Format
from playground.library.formats.registry import formats
from playground.library.header import DOCUMENT_KEY, check_description, read_head, write_document
from playground.library.origin import Origin, RowNote
from playground.library.scale_window import ScaleWindow
from playground.library.text import reason
from playground.once import log_once

__all__ = ["Origin", "RowNote", "VectorSet", "check_fits", "from_bytes", "load", "save", "to_bytes", "vectors_hash"]

_LOG = logging.getLogger(__name__)
_LEFT_BEHIND = "%s has tensors of an unknown type, which are lost when it is saved again (%s)"

SUFFIX = ".safetensors"
MAX_FILE_BYTES = 2**30
"""A thousand vectors of a very wide model are 64 MiB; what is larger than this is a model, not a set."""

_PER_ROW = ("singular_values", "objective", "residuals", "effects", "last_effects", "displacements", "divergences")
_PER_SIGN = ("onsets", "breaks", "found_scales", "scales_tried", "linear_radii")
TENSORS = (*_PER_ROW, *_PER_SIGN, "base")
"""Names of the tensors that a set may have beside its vectors."""


@dataclass(frozen=True, eq=False)
class VectorSet:
    """k directions found together, one a row, with where they come from.

    vectors: (k, d) float32 on the CPU in the norm that the method gave them. The other tensors are float32 too, where
    the method has them; vectors/FORMAT.md says what each means. (k,): singular_values, objective, residuals, effects,
    last_effects, displacements, divergences. (k, 2), for the row and its negative, 0 where there is none: onsets,
    breaks, found_scales, scales_tried, linear_radii. (d,): base. others: tensors that this version does not know, kept
    for the file. notes: one a row (given as () it is filled with empty ones). name: the stem of its file, or what to
    call it.

    Raises FileError when shapes disagree, a value is not finite, or there is no row.
    """

    vectors: Tensor
    origin: Origin
    singular_values: Tensor | None = None
    objective: Tensor | None = None
    residuals: Tensor | None = None
    effects: Tensor | None = None
    last_effects: Tensor | None = None
    displacements: Tensor | None = None
    divergences: Tensor | None = None
    onsets: Tensor | None = None
    breaks: Tensor | None = None
    found_scales: Tensor | None = None
    scales_tried: Tensor | None = None
    linear_radii: Tensor | None = None
    base: Tensor | None = None
    others: Mapping[str, Tensor] = field(default_factory=dict)
    notes: tuple[RowNote, ...] = ()
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        vectors = self.vectors.detach().to("cpu", torch.float32).contiguous()
        object.__setattr__(self, "vectors", vectors)
        if vectors.ndim != 2 or vectors.shape[0] == 0 or vectors.shape[1] != self.origin.width:
            raise FileError(
                f"Expected vectors of shape (k, {self.origin.width}) with k ≥ 1, the width in the header, "
                f"got {tuple(vectors.shape)}; make the set again."
            )
        if not bool(vectors.isfinite().all()):
            raise FileError("Expected vectors of finite numbers, got NaN or infinity among them; make the set again.")
        for name in TENSORS:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, self._checked_values(name, values))
        if not self.notes:
            object.__setattr__(self, "notes", (RowNote(),) * self.rows)
        if len(self.notes) != self.rows:
            raise FileError(
                f"Expected {self.rows} notes, one a row, got {len(self.notes)}; write an empty note for a bare row."
            )
        check_description(self.description)

    @property
    def rows(self) -> int:
        """k."""
        return self.vectors.shape[0]

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Direction]:
        return (Direction(self, row) for row in range(self.rows))

    def __getitem__(self, rows: int | slice) -> Direction:
        """A row, or for a slice A:B the average of rows A to B−1; times a scale it can be added to a model. Raises
        FileError for rows that are not there.
        """
        if isinstance(rows, slice):
            first, end, step = rows.indices(self.rows)
            if step != 1 or first >= end:
                raise FileError(f"Expected rows A:B of {self._called} with A below B, got {rows}; name some in a row.")
            return Direction(self, mean=(first, end))
        return Direction(self, self._checked(rows + self.rows if rows < 0 else rows))

    def span(self, first: int, end: int) -> Direction:
        """Rows first:end as a span, which can be ablated. Raises FileError for rows that are not there."""
        if not 0 <= first < end <= self.rows:
            raise FileError(
                f"Expected rows A:B of {self._called} with A below B up to {self.rows}, got {first}:{end}; name some "
                "in a row."
            )
        return Direction(self, span=(first, end))

    def save(self, path: Path | str) -> None:
        """Write the set as a safetensors file (vectors/FORMAT.md). Raises FileError when that is not possible."""
        save(self, path)

    def to_dict(self) -> dict[str, Any]:
        """The set as JSON values: `name`, the document of its file (vectors/FORMAT.md), and `tensors` as lists."""
        tensors = {name: getattr(self, name) for name in ("vectors", *TENSORS)} | dict(self.others)
        return {
            "name": self.name,
            **json.loads(write_document(self.origin, self.notes, self.description)),
            "tensors": {name: values.tolist() for name, values in tensors.items() if values is not None},
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row: its number, label and star, native norm, and the values that the method and
        the search for scales gave (norms, in both signs: `found_scales_plus`, `found_scales_minus`; NaN for none).
        """
        import pandas

        notes = [{"label": note.label, "star": note.star} for note in self.notes]
        frame = pandas.DataFrame(notes).assign(norm=self.native_norms.tolist())
        frame.insert(0, "row", range(self.rows))
        for name in (*_PER_ROW, *self.others):
            if (values := self.value(name)) is not None:
                frame[name] = values.tolist()
        for name in _PER_SIGN:
            if (values := getattr(self, name)) is not None:
                signs = values.where(values > 0, math.nan).tolist()
                frame[[f"{name}_plus", f"{name}_minus"]] = signs
        return frame

    @property
    def native_norms(self) -> Tensor:
        """(k,) float32: the norm of every row as the method left it."""
        norms: Tensor = self.vectors.double().norm(dim=1)
        return norms.float()

    def value(self, name: str) -> Tensor | None:
        """(k,) float32: a value a row by its name, one of this version or of a method that brought its own; or None."""
        values = getattr(self, name) if name in _PER_ROW else self.others.get(name)
        return None if values is None or values.shape != (self.rows,) else values.float()

    def unit(self, row: int) -> Tensor:
        """(d,) float32: row `row` with norm 1. Raises FileError for a row that is not there or has norm 0."""
        vector = self.vectors[self._checked(row)].double()
        norm: Tensor = vector.norm()
        if norm == 0:
            raise FileError(f"Expected a direction in row {row} of {self._called}, got norm 0; choose another row.")
        return (vector / norm).float()

    def window(self, row: int, sign: int) -> ScaleWindow | None:
        """Found scales of a row in one sign (1 or −1); None when they were not looked for."""
        place = (self._checked(row), 0 if sign > 0 else 1)
        tried = 0.0 if self.scales_tried is None else float(self.scales_tried[place])
        if tried == 0:
            return None
        values = (self.onsets, self.breaks, self.found_scales)
        onset, break_, found = (None if tensor is None else float(tensor[place]) or None for tensor in values)
        return ScaleWindow(onset, break_, found, tried)

    def found_pair(self, row: int) -> tuple[float, float] | None:
        """The found scales of a row and of its negative, each the other's where it has none; None without any."""
        windows = (self.window(row, 1), self.window(row, -1))
        plus, minus = (None if window is None else window.found for window in windows)
        return (plus or minus or 0.0, minus or plus or 0.0) if plus or minus else None

    def with_windows(self, windows: Mapping[tuple[int, int], ScaleWindow]) -> VectorSet:
        """The set with other windows for the (row, sign) pairs that are given; those of other pairs stay."""
        names = ("onsets", "breaks", "found_scales", "scales_tried")
        known = (getattr(self, name) for name in names)
        tensors = [torch.zeros(self.rows, 2) if tensor is None else tensor.clone() for tensor in known]
        for (row, sign), window in windows.items():
            values = (window.onset, window.break_, window.found, window.tried)
            for tensor, value in zip(tensors, values, strict=True):
                tensor[self._checked(row), 0 if sign > 0 else 1] = value or 0.0
        return replace(self, onsets=tensors[0], breaks=tensors[1], found_scales=tensors[2], scales_tried=tensors[3])

    def label(self, row: int) -> str:
        """What a person reads for a row: its number, and its label where it has one."""
        label = self.notes[self._checked(row)].label
        return f"{row} “{label}”" if label else str(row)

    def with_notes(self, notes: Sequence[RowNote]) -> VectorSet:
        """The same set with other notes, one a row."""
        return replace(self, notes=tuple(notes))

    def with_note(self, row: int, note: RowNote) -> VectorSet:
        """The same set with another note at one row."""
        row = self._checked(row)
        return self.with_notes([*self.notes[:row], note, *self.notes[row + 1 :]])

    def take(self, rows: Sequence[int]) -> VectorSet:
        """The set of these rows, in this order, with all that is known of them; tensors in `others` are dropped."""
        index = [self._checked(row) for row in rows]
        cut: dict[str, Any] = {
            name: getattr(self, name)[index]
            for name in ("vectors", *_PER_ROW, *_PER_SIGN)
            if getattr(self, name) is not None
        }
        return replace(self, **cut, notes=tuple(self.notes[row] for row in index), others={})

    def _checked_values(self, name: str, values: Tensor) -> Tensor:
        values = values.detach().to("cpu", torch.float32).contiguous()
        shape: tuple[int, ...]
        if name == "base":
            shape, which = (self.origin.width,), "numbers, the width"
        elif name in _PER_SIGN:
            shape, which = (self.rows, 2), "numbers, two a row"
        else:
            shape, which = (self.rows,), "numbers, one a row"
        finite = bool(values.isfinite().all())
        if values.shape != shape or not finite:
            raise FileError(
                f"Expected `{name}` to be {'×'.join(map(str, shape))} finite {which}, got shape {tuple(values.shape)}"
                f"{'' if finite else ' with NaN or infinity'}; make the set again."
            )
        if name in _PER_SIGN and bool((values < 0).any()):
            raise FileError(f"Expected `{name}` of 0 or more, got a negative number; make the set again.")
        return values

    @property
    def _called(self) -> str:
        return f"“{self.name}”" if self.name else "this set"

    def _checked(self, row: int) -> int:
        if not 0 <= row < self.rows:
            raise FileError(
                f"Expected a row of {self._called} from 0 to {self.rows - 1}, got {row}; choose one of its rows."
            )
        return row


def check_fits(vector_set: VectorSet, width: int, block_count: int, fingerprint: str, model: str) -> str | None:
    """Whether a set can be applied to a model of `width` d, `block_count` blocks, and this fingerprint and name.

    None when it was made on this very model; a sentence of warning when it was made on another one of equal width.
    Raises FileError when the width differs or its layers are not there.
    """
    origin = vector_set.origin
    called = f"“{vector_set.name}”" if vector_set.name else "the set"
    if origin.width != width:
        raise FileError(
            f"Expected a set of width {width}, the width of {model}, got {called} of width {origin.width}, made on "
            f"{origin.model}; load that model, or choose another set."
        )
    last = origin.source if origin.target is None else origin.target
    if last >= block_count:
        raise FileError(
            f"Expected layers below the {block_count} blocks of {model}, got layer {last} in {called}, made on "
            f"{origin.model}; load that model, or choose another set."
        )
    if origin.fingerprint == fingerprint:
        return None
    if origin.model == model:
        return (
            f"{called} was made on another version of {model} (fingerprint {origin.fingerprint or 'unknown'}, now "
            f"{fingerprint}); its directions may do something else here."
        )
    return (
        f"{called} was made on {origin.model}, not on {model}; the widths agree, but its directions may mean nothing "
        "here."
    )


def vectors_hash(vector_set: VectorSet) -> str:
    """SHA-256 in hex of a set's vectors: whether a set of the same name is still the one that was used."""
    return hashlib.sha256(vector_set.vectors.numpy().tobytes()).hexdigest()


def to_bytes(vector_set: VectorSet) -> bytes:
    """The file of a set, as bytes (for a download)."""
    tensors = {name: getattr(vector_set, name) for name in ("vectors", *TENSORS)} | dict(vector_set.others)
    # Cloned, since safetensors refuses tensors that share memory, as parts of one solver's result may.
    tensors = {name: tensor.clone() for name, tensor in tensors.items() if tensor is not None}
    document = write_document(vector_set.origin, vector_set.notes, vector_set.description)
    return serialize(tensors, metadata={DOCUMENT_KEY: document})


def from_bytes(data: bytes, name: str = "") -> VectorSet:
    """The set in a file's bytes. Raises FileError, and nothing else, when they are not one."""
    with _named(name):
        if len(data) > MAX_FILE_BYTES:
            raise _too_large(len(data))
        head = read_head(io.BytesIO(data), len(data))
        try:
            tensors = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
        except safetensors.SafetensorError as error:
            raise FileError(
                "Expected a whole safetensors file, got one that is cut short or damaged; make or download it again."
            ) from error
        known = {key: _tensor(tensors[key], key) for key in TENSORS if key in tensors}
        if head.version == 1 and known.keys() >= {"residuals", "singular_values"}:
            known["residuals"] = _relative_to_own(known["residuals"], known["singular_values"])
        return VectorSet(
            vectors=_tensor(tensors["vectors"], "vectors"),
            origin=head.origin,
            **known,
            others=_others(data, name) if tensors.keys() - {"vectors", *TENSORS} else {},
            notes=head.notes,
            name=name,
            description=head.description,
        )


def save(vector_set: VectorSet, path: Path | str) -> None:
    """Writes the set to `path` in the format of its suffix, atomically. Raises FileError when that is not possible."""
    write = _format_of(Path(path)).write
    if write is None:
        raise FileError(f"Expected a format that sets are written in, got {Path(path).name}; name it NAME{SUFFIX}.")
    write_atomically(Path(path), write(vector_set))


def load(path: Path | str) -> VectorSet:
    """The set in a file, named by the file's stem. Raises FileError when there is none."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            with _named(path.name):
                raise _too_large(path.stat().st_size)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no such file"
        raise FileError(f"Expected a vector set at {path}, got “{got}”; check the name.") from error
    read = _format_of(path).read
    if read is None:
        raise FileError(f"Expected a format that sets are read from, got {path.name}; choose another file.")
    vector_set: VectorSet = read(data, path.stem)
    return vector_set


def _format_of(path: Path) -> Format:
    """The format of a file by its suffix; safetensors for all other suffixes."""
    known = formats("vectors")
    return known.get(path.suffix.lower(), known[SUFFIX])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts the name of the file before the sentence about it."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{name}: {error}" if name else str(error)) from error


def _too_large(size: int) -> FileError:
    return FileError(
        f"Expected a vector set of at most {MAX_FILE_BYTES >> 20} MiB, got {size >> 20} MiB; choose a set, not a model."
    )


def _relative_to_own(residuals: Tensor, singular_values: Tensor) -> Tensor:
    """Residuals over each row's own σ, from residuals over the largest σ, as version 1 has them."""
    if residuals.shape != singular_values.shape or len(singular_values) == 0:
        return residuals
    return residuals * singular_values.max() / singular_values.clamp(min=torch.finfo(torch.float32).tiny)


def _others(data: bytes, name: str) -> dict[str, Tensor]:
    """Tensors of names that this version does not know. Those of types it does not know are left behind."""
    try:
        tensors = deserialize(data)
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError, safetensors.SafetensorError) as error:
        log_once(_LOG, logging.WARNING, _LEFT_BEHIND, name, f"{type(error).__name__}: {error}")
        return {}
    return {key: tensor for key, tensor in tensors.items() if key not in ("vectors", *TENSORS)}


def _tensor(entry: dict[str, Any], name: str) -> Tensor:
    """A float32 tensor from what the safetensors library gives for it."""
    if entry["dtype"] != "F32":
        raise FileError(f"Expected `{name}` to be float32 (F32), got {entry['dtype']}; write it as float32.")
    if not entry["data"]:
        return torch.empty(entry["shape"])
    return torch.frombuffer(entry["data"], dtype=torch.float32).reshape(entry["shape"])
