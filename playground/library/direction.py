"""Directions of a vector set that is held in memory, and what adds them: `found[0] * "1f" - found[4] * 3.5`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from playground.errors import InputError
from playground.library.text import shown

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet

UNITS = ("a", "r", "n", "f")
"""Units of scales: absolute norm, relative to the reference norm, multiples of the native norm, of the found scale."""
OPPOSITE = {"add": "add", "ablate": "ablate", "cap": "floor", "floor": "cap"}
"""What can be done with a direction (added, taken out, the component along it held within a bound), and what is done
with it in the opposite sign.
"""
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?) ?([arnf]?)", re.ASCII)


def read_scale(text: str) -> tuple[float, str] | None:
    """The number and the unit ("" for none) of a scale as typed; None for what is none."""
    found = _NUMBER.fullmatch(text.strip())
    return None if found is None else (float(found[1]), found[2])


@dataclass(frozen=True, eq=False)
class Direction:
    """A row of a set, the average of rows A to B−1 in native norm (`mean`), or their `span`, which can only be ablated.
    Times a scale it is a Steering.

    A scale is a number and a unit, as in recipes: `"1f"` the found scale (`"-1f"` that of the other sign), `"0.2r"`
    relative to the reference norm, `"1n"` the native norm; a plain number is the norm of what is added, of an average
    the multiple of its native norm.
    """

    vector_set: VectorSet
    row: int | None = None
    mean: tuple[int, int] | None = None
    span: tuple[int, int] | None = None

    def __mul__(self, scale: float | str) -> Steering:
        return self._held("add", scale)

    __rmul__ = __mul__

    def ablated(self) -> Steering:
        """What takes the component along this out of the residual stream."""
        return Steering((Term(self, 0.0, "", operation="ablate"),))

    def capped(self, scale: float | str) -> Steering:
        """What keeps the component along this at `scale` at most."""
        return self._held("cap", scale)

    def floored(self, scale: float | str) -> Steering:
        """What keeps the component along this at `scale` at least."""
        return self._held("floor", scale)

    def _held(self, operation: str, scale: float | str) -> Steering:
        read = read_scale(scale) if isinstance(scale, str) else (float(scale), "")
        if read is None or not math.isfinite(read[0]):
            raise InputError(
                f"Expected a scale as a number with a unit ({', '.join(UNITS)}) behind it if wanted, got "
                f"{shown(str(scale))}; write it like 3.5 or '1f'."
            )
        return Steering((Term(self, *read, operation=operation),))


class Term(NamedTuple):
    """A direction, its scale as a number in a unit ("": the usual one), the blocks, the first and the last (None: the
    source of its set), and what is done there, a key of OPPOSITE.
    """

    direction: Direction
    number: float
    unit: str
    blocks: tuple[int, int] | None = None
    operation: str = "add"


@dataclass(frozen=True, eq=False)
class Steering:
    """What is added, taken out or held: summands. Sums, differences and negatives of these are one again; the negative
    of a cap is the floor of the opposite direction, that of an ablation the same ablation.
    """

    terms: tuple[Term, ...]

    def __add__(self, other: Steering) -> Steering:
        return Steering(self.terms + other.terms)

    def __sub__(self, other: Steering) -> Steering:
        return self + -other

    def __neg__(self) -> Steering:
        return Steering(
            tuple(term._replace(number=-term.number, operation=OPPOSITE[term.operation]) for term in self.terms)
        )

    def at(self, first: int, last: int | None = None) -> Steering:
        """The same at the blocks `first` to `last` (None: at `first` alone), both included, each time with the same
        norm, instead of at the sources of the sets.
        """
        blocks = first, first if last is None else last
        return Steering(tuple(term._replace(blocks=blocks) for term in self.terms))
