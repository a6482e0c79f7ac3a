"""Recipes: what is added to a model, or taken from it, as text a person can type and as edits a model can take.

`FILE#ROW@SCALE` adds a row, `FILE#mean:A-B@SCALE` the average of rows A to B−1, taken in native norm; a comma joins
components of one recipe. Rows are counted from 0. SCALE is a number and a unit: `a` absolute norm of what is added, `r`
relative to the reference norm of the set, `n` multiples of the native norm, `f` multiples of the row's found scale (a
negative one of the other sign's). Without a unit a row counts in `a`, an average in `n`. `FILE#ROW@SCALE:A-B` adds it
at the blocks A to B, both included, instead of at the set's source alone; `:A` at one other block.

`FILE#ROW@ablate` takes the component along a row out of what the block puts out, `FILE#span:A-B@ablate` that in the
span of rows A to B−1; `FILE#ROW@cap=SCALE` keeps the component at SCALE at most, `@floor=SCALE` at least. Ablations at
one block take out the span of all of them, after caps and floors in the order written; what is added is added last.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.core.clamp import Clamp, ablation, bounded
from playground.core.edit import Edit
from playground.core.push import Push
from playground.errors import InputError
from playground.library.direction import OPPOSITE, UNITS, Steering, read_scale
from playground.library.text import is_text, quoted, shown
from playground.library.vector_set import VectorSet
from playground.limits import check_count, limits

_ROW = re.compile(r"\d{1,9}", re.ASCII)
_SEVERAL = re.compile(r"(mean|span):(\d{1,9})-(\d{1,9})", re.ASCII)
_BLOCKS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
_FORM = "FILE#ROW@SCALE or FILE#mean:A-B@SCALE"


@dataclass(frozen=True)
class Component:
    """One part of a recipe: a row of a set, the average of rows A to B−1 (`mean`, native norm), or their `span`.

    `operation` is a key of OPPOSITE; a span can only be ablated. `source` is the name of a set in the library or the
    path of a file. `amount` is the scale in `unit`, one of UNITS; its sign turns the direction around. "" is the usual
    unit: `a` for a row, `n` for an average. Of a cap or a floor the scale is the bound; an ablation has none (0).
    `blocks` are the first and the last block at which it is done, each time with the same norm; None: at the source of
    its set. Raises InputError for a source with a comma, for none or several of row, mean and span, for an amount that
    is not a finite number, for a unit that is not known, or is `f` for an average, and for blocks out of order.
    """

    source: str
    row: int | None = None
    mean: tuple[int, int] | None = None
    amount: float = 0.0
    unit: str = ""
    blocks: tuple[int, int] | None = None
    operation: str = "add"
    span: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not is_text(self.source) or not self.source or self.source != self.source.strip():
            raise InputError(f"Expected the name of a set or file, got {shown(self.source)}; write {_FORM}.")
        if "," in self.source or not self.source.isprintable():
            raise InputError(
                f"Expected a name without commas, which join components of a recipe, got {shown(self.source)}; "
                "rename the file."
            )
        called = quoted(self.source)
        if (self.row, self.mean, self.span).count(None) != 2:
            raise InputError(f"Expected a row or a mean of rows of {called}, got both or neither; write {_FORM}.")
        if self.operation not in OPPOSITE:
            raise InputError(
                f"Expected one of {', '.join(OPPOSITE)} for {called}, got {shown(self.operation)}; write one of them."
            )
        if self.span is not None and self.operation != "ablate":
            raise InputError(f"Expected to ablate a span of {called}, got another use of it; write span:A-B@ablate.")
        if self.row is not None and self.row < 0:
            raise InputError(f"Expected a row of {called}, 0 or more, got {self.row}; choose one of its rows.")
        for word, rows in (("mean", self.mean), ("span", self.span)):
            if rows is not None and not 0 <= rows[0] < rows[1]:
                raise InputError(
                    f"Expected a range of rows A-B of {called} with A below B (B itself is left out), got "
                    f"{rows[0]}-{rows[1]}; write for instance {word}:0-3 for rows 0, 1 and 2."
                )
        if not math.isfinite(self.amount):
            raise InputError(
                f"Expected a finite scale for {called}, got {self.amount}; write a number such as 3.5."
            )
        if self.unit == "":
            object.__setattr__(self, "unit", self.usual_unit)
        if self.unit not in UNITS:
            raise InputError(
                f"Expected a unit among {', '.join(UNITS)} for the scale of {called}, got {shown(self.unit)}; "
                "leave it out, or write one of them."
            )
        if self.operation == "ablate" and (self.amount != 0 or self.unit != self.usual_unit):
            raise InputError(f"Expected no scale for {called}, which is ablated, got {self.amount:g}; leave it out.")
        if self.unit == "f" and self.row is None:
            raise InputError(
                f"Expected a scale in a, r or n for an average of rows of {called}, got one in f; found scales "
                "belong to single rows."
            )

        if self.blocks is not None and not 0 <= self.blocks[0] <= self.blocks[1]:
            raise InputError(
                f"Expected blocks A-B for {called}, the first up to the last, got {self.blocks[0]}-{self.blocks[1]}; "
                "swap them."
            )

    @property
    def usual_unit(self) -> str:
        """The unit that is meant when none is written."""
        return "n" if self.row is None else "a"

    def layers(self, source: int) -> range:
        """The blocks at which it is done, for a set with that source layer."""
        return range(source, source + 1) if self.blocks is None else range(self.blocks[0], self.blocks[1] + 1)

    def negated(self) -> Component:
        """The same component with the opposite sign: a cap of a direction is the floor of its opposite."""
        return replace(self, amount=-self.amount, operation=OPPOSITE[self.operation])


@dataclass(frozen=True)
class Recipe:
    """Components that work together; none at all is the baseline. Raises InputError for too many."""

    components: tuple[Component, ...] = ()

    def __post_init__(self) -> None:
        check_count(
            "components in a recipe", len(self.components), limits().components,
            "leave some out, or average rows with mean:A-B",
        )  # fmt: skip

    @property
    def sources(self) -> tuple[str, ...]:
        """The sets that the components name, each once."""
        return tuple(dict.fromkeys(component.source for component in self.components))

    def negated(self) -> Recipe:
        """The same recipe with the opposite sign."""
        return Recipe(tuple(component.negated() for component in self.components))


def parse(text: str) -> Recipe:
    """The recipe a text such as `code#3@5.5,plan#mean:0-12@-0.5` stands for. Raises InputError with what is wrong."""
    if not text.strip():
        raise InputError(f"Expected a recipe, got an empty text; write {_FORM}.")
    return Recipe(tuple(_parse_component(part.strip()) for part in text.split(",")))


def format(recipe: Recipe) -> str:
    """The text that `parse` turns into this recipe again, amounts to the last bit; empty for the baseline."""
    return ",".join(_format_component(component) for component in recipe.components)


def recipes_of(steerings: Sequence[Steering]) -> tuple[tuple[Recipe, ...], dict[str, VectorSet]]:
    """Recipes that add the same, and the sets by the names that these use; several sets of one name are numbered."""
    sets: dict[str, VectorSet] = {}
    recipes = []
    for steering in steerings:
        components = []
        for term in steering.terms:
            direction = term.direction
            stem, number = _source_of(direction.vector_set), 2
            name = stem
            while name in sets and sets[name] is not direction.vector_set:
                name, number = f"{stem}-{number}", number + 1
            sets[name] = direction.vector_set
            components.append(
                Component(
                    name, direction.row, direction.mean, term.number, term.unit, term.blocks, term.operation,
                    direction.span,
                )
            )  # fmt: skip
        recipes.append(Recipe(tuple(components)))
    return tuple(recipes), sets


def _source_of(vector_set: VectorSet) -> str:
    return "".join(c for c in vector_set.name.replace(",", " ") if c.isprintable()).strip() or "set"


def resolve(recipe: Recipe, load: Callable[[str], VectorSet]) -> tuple[Edit, ...]:
    """What a recipe does: clamps in the order of layers, then one push a layer, vectors (d,) float32 with scales
    included.

    `load` gives the set of a source. A component that adds with amount 0 does nothing. Raises InputError for rows
    that are not there, directions of norm 0, and sets of different widths; and what `load` raises.
    """
    sums: dict[int, Tensor] = {}
    bounds: dict[int, list[Clamp]] = {}
    spans: dict[int, list[Tensor]] = {}
    sets: dict[str, VectorSet] = {}
    for component in recipe.components:
        if component.source not in sets:
            sets[component.source] = load(component.source)
        vector_set = sets[component.source]
        first = sets[recipe.components[0].source]
        if vector_set.origin.width != first.origin.width:
            raise InputError(
                f"Expected sets of one width in a recipe, got {first.origin.width} for "
                f"{quoted(recipe.components[0].source)} and {vector_set.origin.width} for "
                f"{quoted(component.source)}; use sets made on one model."
            )
        adds = component.operation == "add"
        if component.operation == "ablate":
            vector = _rows(component, vector_set)
        else:
            vector = _vector(component, vector_set) if adds else _direction(component, vector_set)
        if component.amount != 0 or not adds:
            last = component.layers(vector_set.origin.source)[-1]
            if last >= vector_set.origin.block_count:
                raise InputError(
                    f"Expected blocks from 0 to {vector_set.origin.block_count - 1} for {quoted(component.source)}, "
                    f"got {last}; choose blocks of its model."
                )
            for layer in component.layers(vector_set.origin.source):
                if adds:
                    sums[layer] = sums[layer] + vector if layer in sums else vector
                elif component.operation == "ablate":
                    spans.setdefault(layer, []).append(vector)
                else:
                    bound = _signed(component, vector, vector_set)
                    side = {"high" if component.operation == "cap" else "low": bound}
                    bounds.setdefault(layer, []).append(bounded(layer, vector, **side))
    clamps: list[Clamp] = []
    for layer in sorted(bounds | spans):
        clamps += bounds.get(layer, [])
        clamps += [ablation(layer, torch.cat(spans[layer]))] if layer in spans else []
    return (*clamps, *(Push(layer, sums[layer].float()) for layer in sorted(sums)))


def component_norm(component: Component, vector_set: VectorSet) -> float:
    """The norm of what a component adds, in units of the residual stream, or its bound (0 for an ablation); divided by
    `residual_norm` of the set's origin it is the relative scale. Raises InputError as `resolve` does.
    """
    if component.operation == "ablate":
        _rows(component, vector_set)
        return 0.0
    return float(_vector(component, vector_set).norm())


def _vector(component: Component, vector_set: VectorSet) -> Tensor:
    """(d,) float64: what a component adds."""
    direction = _direction(component, vector_set)
    vector: Tensor = _signed(component, direction, vector_set) / direction.norm() * direction
    if not bool(torch.isfinite(vector.float()).all()):
        raise InputError(f"Expected a scale that fits float32, got {component.amount:g}; choose a smaller one.")
    return vector


def _rows(component: Component, vector_set: VectorSet) -> Tensor:
    """(m, d) float64: the directions that are taken out."""
    if component.span is None:
        return _direction(component, vector_set)[None]
    _check_rows(component, component.span[1] - 1, vector_set)
    rows = vector_set.vectors[slice(*component.span)].double()
    if not bool(rows.any()):
        start, end = component.span
        raise InputError(
            f"Expected directions, got rows {start} to {end - 1} of {quoted(component.source)}, of norm 0; "
            "choose others."
        )
    return rows


def _direction(component: Component, vector_set: VectorSet) -> Tensor:
    """(d,) float64: the row, or the average of rows, in native norm."""
    if component.row is not None:
        _check_rows(component, component.row, vector_set)
        direction = vector_set.vectors[component.row].double()
        what = f"row {component.row}"
    else:
        assert component.mean is not None  # checked when it was built
        start, end = component.mean
        _check_rows(component, end - 1, vector_set)
        direction = vector_set.vectors[start:end].double().mean(dim=0)
        what = f"the average of rows {start} to {end - 1}"
    if not bool(direction.any()):
        what = f"{what} of {quoted(component.source)}"
        raise InputError(f"Expected a direction, got {what}, of norm 0; choose another row.")
    return direction


def _norm(component: Component, direction: Tensor, vector_set: VectorSet) -> float:
    """The norm of what is added, 0 or more."""
    amount = abs(component.amount)
    if component.unit == "r":
        return amount * vector_set.origin.residual_norm
    if component.unit == "n":
        return amount * float(direction.norm())
    if component.unit == "f" and amount:
        return amount * _found_scale(component, vector_set)
    return amount


def _signed(component: Component, direction: Tensor, vector_set: VectorSet) -> float:
    """The scale as a number of the residual stream's units, with the sign of the amount."""
    return math.copysign(_norm(component, direction, vector_set), component.amount)


def _found_scale(component: Component, vector_set: VectorSet) -> float:
    assert component.row is not None  # checked when it was built
    sign = 1 if component.amount > 0 else -1
    window = vector_set.window(component.row, sign)
    if window is not None and window.found is not None:
        return window.found
    which = f"row {component.row} of {quoted(component.source)} in the {'positive' if sign > 0 else 'negative'} sign"
    if window is None:
        raise InputError(
            f"Expected a found scale for {which}, got none; run `python -m playground calibrate --vectors "
            f"{quoted(component.source)}`, or write the scale in a, r or n."
        )
    why = "its text breaks before it changes" if window.noise else "its text never changed"
    raise InputError(f"Expected a found scale for {which}, but {why}; choose another row, or a scale in a, r or n.")


def _check_rows(component: Component, last: int, vector_set: VectorSet) -> None:
    if last >= vector_set.rows:
        raise InputError(
            f"Expected rows of {quoted(component.source)} from 0 to {vector_set.rows - 1}, got row {last}; "
            "choose rows that it has."
        )


def _parse_component(text: str) -> Component:
    # From the right, so that a path may hold # and @.
    place, at, amount = text.rpartition("@")
    source, mark, rows = place.rpartition("#")
    if not at or not mark:
        raise InputError(
            f"Expected {_FORM}, got {shown(text)}; separate components by commas, and leave commas out of names and "
            "numbers."
        )
    amount, colon, where = (part.strip() for part in amount.partition(":"))
    blocks = _BLOCKS.fullmatch(where) if colon else None
    if colon and blocks is None:
        raise InputError(
            f"Expected blocks after : in {shown(text)}, got {shown(where)}; write them like 4-9, both included, or 4."
        )
    at_blocks = None if blocks is None else (int(blocks[1]), int(blocks[2] or blocks[1]))
    operation, number = _read_operation(amount)
    if number is None:
        raise InputError(
            f"Expected a number after @ in {shown(text)}, got {shown(amount)}; write it like 3.5 or -1e1, with a unit "
            f"({', '.join(UNITS)}) behind it if wanted, or write ablate, cap=NUMBER or floor=NUMBER."
        )
    source, rows = source.strip(), rows.strip()
    if _ROW.fullmatch(rows):
        return Component(source, int(rows), None, *number, at_blocks, operation)
    several = _SEVERAL.fullmatch(rows)
    if several is None:
        raise InputError(
            f"Expected a row number or mean:A-B after # in {shown(text)}, got {shown(rows)}; write {_FORM}."
        )
    both = (int(several[2]), int(several[3]))
    mean, span = (both, None) if several[1] == "mean" else (None, both)
    return Component(source, None, mean, *number, at_blocks, operation, span)


def _read_operation(text: str) -> tuple[str, tuple[float, str] | None]:
    """What is done, and its number with a unit (None for text that is none)."""
    if text == "ablate":
        return text, (0.0, "")
    word, equals, scale = text.partition("=")
    if equals and word.strip() in ("cap", "floor"):
        return word.strip(), read_scale(scale)
    return "add", read_scale(text)


def _format_component(component: Component) -> str:
    rows = str(component.row)
    for word, several in (("mean", component.mean), ("span", component.span)):
        rows = rows if several is None else f"{word}:{several[0]}-{several[1]}"
    unit = "" if component.unit == component.usual_unit else component.unit
    where = ""
    if component.blocks is not None:
        first, last = component.blocks
        where = f":{first}" if first == last else f":{first}-{last}"
    amount = f"{repr(float(component.amount)).removesuffix('.0')}{unit}"
    done = {"add": amount, "ablate": "ablate"}.get(component.operation, f"{component.operation}={amount}")
    return f"{component.source}#{rows}@{done}{where}"


def rounded(amount: float) -> float:
    """Five digits: what the command shows is exactly what was added."""
    return float(f"{amount:.5g}")
