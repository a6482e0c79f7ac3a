"""A measurement as a JSON document and back (vectors/MEASURES.md): what is needed to repeat and to compare it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.analyses.choices import document as choices
from playground.analyses.choices.result import MeasureResult
from playground.analyses.common.parts import plain, tuples
from playground.analyses.common.result import MeasuredSet
from playground.analyses.exact import document as exact
from playground.analyses.exact.run import ExactResult
from playground.analyses.next_token import document as next_token
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies import document as replies
from playground.analyses.replies.run import RepliesResult
from playground.errors import FileError, InputError
from playground.library.text import shown

Result = MeasureResult | ExactResult | Shifts | RepliesResult
"""A measurement of any kind."""

_OF_MEASUREMENT = ("model", "fingerprint", "dtype", "warnings", "cancelled", "seconds", "versions", "created")
_MODULES = {
    "choices": (MeasureResult, choices),
    "exact": (ExactResult, exact),
    "next-token": (Shifts, next_token),
    "replies": (RepliesResult, replies),
}


def kind_of(result: Result) -> str:
    """The kind of a measurement, as its file says it."""
    return next(kind for kind, (made, _) in _MODULES.items() if isinstance(result, made))


def to_document(result: Result) -> dict[str, Any]:
    """The document of a result."""
    kind = kind_of(result)
    return {
        "kind": kind,
        **{name: plain(getattr(result, name)) for name in _OF_MEASUREMENT},
        "sets": [asdict(one) for one in result.sets],
        **_MODULES[kind][1].to_fields(result),
    }


def from_document(document: Mapping[str, Any]) -> Result:
    """The result of a document that `to_document` made. Raises FileError for one that says something else."""
    try:
        if document["kind"] not in _MODULES:
            raise ValueError(f"the kind {shown(document['kind'])}")
        made, module = _MODULES[document["kind"]]
        return made(
            **{name: tuples(document[name]) for name in _OF_MEASUREMENT},
            sets=tuple(MeasuredSet(**entry) for entry in document["sets"]),
            **module.from_fields(document),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, InputError) as error:
        what = f"one without {error}" if isinstance(error, KeyError) else f"{shown(str(error))} in it"
        raise FileError(f"Expected a measurement as vectors/MEASURES.md says, got {what}; measure again.") from error
