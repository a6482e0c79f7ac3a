"""Measurements from JSON documents (vectors/MEASURES.md), which Measurement.to_dict makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playground.analyses import registry
from playground.analyses.common.json_values import tuples
from playground.analyses.common.result import OF_EVERY, MeasuredSet, Measurement
from playground.errors import FileError, InputError
from playground.library.field_types import check_fields
from playground.library.text import shown
from playground.limits import stored


def from_document(document: Mapping[str, Any]) -> Measurement:
    """The result in a document of `Measurement.to_dict`. Raises FileError for a document of any other form."""
    with _damage_refused():
        if document["kind"] not in registry.measured():
            raise ValueError(f"the kind {shown(document['kind'])}")
        about = {name: tuples(document[name]) for name in OF_EVERY}
        about["sets"] = tuple(MeasuredSet(**entry) for entry in document["sets"])
    module = registry.measured()[document["kind"]].load("document")
    with _damage_refused(), stored():
        result: Measurement = module.from_fields(document, about)
        check_fields(result)
    return result


@contextmanager
def _damage_refused() -> Iterator[None]:
    """Raises FileError for what damaged values raise where they are used: JSON of any form may come."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, InputError) as error:
        what = f"one without {shown(error.args[0])}" if isinstance(error, KeyError) else f"{shown(str(error))} in it"
        raise FileError(f"Expected a measurement as vectors/MEASURES.md says, got {what}; measure again.") from error
