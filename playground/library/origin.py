"""Provenance of a vector set and notes on its rows: everything a file says beside its tensors."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from playground.core.positions import NAMES, is_positions
from playground.errors import FileError
from playground.library.text import is_text, shown

HOOK_SITE = "block output"
"""The one place directions are added at in this version of the format: the output of block `source`."""

REFERENCES = ("median", "mean")
"""Statistic of the norms over all tokens that a reference norm is. Sets of format version 1 have the mean."""

MAX_LABEL = 120
MAX_NOTE = 10_000


@dataclass(frozen=True)
class RowNote:
    """Notes of a person on one row: a short name, a star, a longer remark, or that it is not worth keeping.

    Raises FileError for a label over one line or too long, and for values of another type.
    """

    label: str = ""
    star: bool = False
    note: str = ""
    discarded: bool = False

    def __post_init__(self) -> None:
        if not is_text(self.label) or len(self.label) > MAX_LABEL or not self.label.isprintable():
            raise FileError(
                f"Expected a label of one line and at most {MAX_LABEL} characters, got {shown(self.label)}; "
                "shorten it, and put the rest into the note."
            )
        if not is_text(self.note) or len(self.note) > MAX_NOTE:
            raise FileError(f"Expected a note of at most {MAX_NOTE} characters, got {shown(self.note)}; shorten it.")
        for name in ("star", "discarded"):
            if not isinstance(getattr(self, name), bool):
                raise FileError(f"Expected {name} to be true or false, got {shown(getattr(self, name))}; set one.")


def label_note(text: str) -> RowNote:
    """A note whose label is a text, on one line and cut to MAX_LABEL characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return RowNote(label=line if len(line) <= MAX_LABEL else f"{line[: MAX_LABEL - 1]}…")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How the vectors of a set were found, so that the run can be repeated and the set applied correctly.

    Layers are blocks counted from 0; `source` is where a direction is added, `target` where its effect was read
    (None for methods without one), `target_tokens` the last K positions of a prompt (None: all, or not used).
    `residual_norm` is the reference norm: that of the residual stream at `source` over all tokens of the prompts, as
    `reference` says their median or their mean. It is relative scale 1.
    `prompts` are the prompts in full, `prompt_hash` is their `content_hash`. `seconds` is computation alone.
    `created` is a time in UTC (ISO 8601). `extra` holds header fields this version does not know; they are kept.

    Raises FileError for a field of another type or out of range.
    """

    model: str
    revision: str | None = None
    fingerprint: str = ""
    width: int
    block_count: int
    source: int
    target: int | None = None
    target_tokens: int | None = None
    positions: str = "all"
    hook_site: str = HOOK_SITE
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    prompts: tuple[str, ...] = ()
    prompt_set: str | None = None
    prompt_hash: str = ""
    chat: bool = True
    system: str | None = None
    residual_norm: float
    reference: str = "median"
    converged: bool | None = None
    seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.prompts, list):
            object.__setattr__(self, "prompts", tuple(self.prompts))
        for name, (is_right, expected) in _CHECKS.items():
            if not is_right(getattr(self, name)):
                raise FileError(f"Expected `{name}` to be {expected}, got {shown(getattr(self, name))}{_ADVICE}")
        if self.source >= self.block_count:
            raise FileError(
                f"Expected `source` below the {self.block_count} blocks of the model, got {self.source}{_ADVICE}"
            )
        if self.target is not None and not self.source < self.target < self.block_count:
            raise FileError(
                f"Expected `target` between `source` {self.source} and the {self.block_count} blocks of the model, "
                f"got {self.target}{_ADVICE}"
            )
        for name in ("parameters", "extra"):
            # Through JSON once, so that what is in memory is what a file gives back (tuples become lists there).
            object.__setattr__(self, name, json.loads(json.dumps(dict(getattr(self, name)))))
        clash = sorted(set(self.extra) & RESERVED)
        if clash:
            raise FileError(f"Expected `extra` to hold unknown fields only, got `{clash[0]}`; set that field instead.")


def now() -> str:
    """The time as `Origin.created` wants it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers depend on, for `Origin.versions`."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers", "safetensors"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


_ADVICE = "; see vectors/FORMAT.md, or make the file again."


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**63


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _json_object(value: object) -> bool:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return False
    try:
        json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _time(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return False
    return moment.utcoffset() is not None and not moment.utcoffset()


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda v: is_text(v) and bool(v), "the name of a model"),
    "revision": (_or_none(is_text), "text or null"),
    "fingerprint": (is_text, "text"),
    "width": (lambda v: _whole(v, 1), "a whole number of 1 or more"),
    "block_count": (lambda v: _whole(v, 1), "a whole number of 1 or more"),
    "source": (lambda v: _whole(v, 0), "a block, counted from 0"),
    "target": (_or_none(lambda v: _whole(v, 0)), "a block, counted from 0, or null"),
    "target_tokens": (_or_none(lambda v: _whole(v, 1)), "a whole number of 1 or more, or null"),
    "positions": (is_positions, NAMES),
    "hook_site": (lambda v: v == HOOK_SITE, f"“{HOOK_SITE}”, the only one of this format version"),
    "method": (lambda v: is_text(v) and bool(v), "the name of a method"),
    "parameters": (_json_object, "an object of JSON values"),
    "seed": (_or_none(lambda v: _whole(v, -(2**63))), "a whole number or null"),
    "prompts": (lambda v: isinstance(v, tuple) and all(map(is_text, v)), "a list of texts"),
    "prompt_set": (_or_none(is_text), "text or null"),
    "prompt_hash": (is_text, "text"),
    "chat": (lambda v: isinstance(v, bool), "true or false"),
    "system": (_or_none(is_text), "text or null"),
    "residual_norm": (lambda v: _number(v) and v > 0, "a number above 0"),
    "reference": (lambda v: isinstance(v, str) and v in REFERENCES, " or ".join(REFERENCES)),
    "converged": (_or_none(lambda v: isinstance(v, bool)), "true, false or null"),
    "seconds": (_or_none(lambda v: _number(v) and v >= 0), "a number of 0 or more, or null"),
    "versions": (
        lambda v: isinstance(v, Mapping) and all(is_text(x) for pair in v.items() for x in pair),
        "an object of texts",
    ),
    "created": (_time, "a time in UTC (ISO 8601)"),
    "extra": (_json_object, "an object of JSON values"),
}

RESERVED = frozenset({"format_version", "description", "notes"} | set(_CHECKS) - {"extra"})
"""Names of the header document that this version gives a meaning to."""

assert set(_CHECKS) == {item.name for item in fields(Origin)}
