"""ScanRequest: vectors × signs × scales × samples × prompts, checked when built."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from playground.core.positions import Positions, check_positions
from playground.errors import InputError
from playground.library.checks import check_selection, check_unit
from playground.library.recipe import Component, Recipe
from playground.library.rows import MAX_NAMED, ROWS_FORM
from playground.library.text import shown
from playground.library.vector_set import VectorSet
from playground.limits import check_count, check_whole, limits
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat

FOUND_SCALES = (0.5, 1.0)
"""Default multiples of the found scale: the strongest at which it stays text, and half of that."""
RELATIVE_SCALES = (0.1, 0.2)
"""Default relative scales where none were found: many directions of real models act at 0.1 to 0.2."""
ORGANISM_SCALES = (0.3, 0.5)
"""Default relative scales on the organism: at the first texts begin to change, the second is still text."""
BOTH = (1, -1)
"""Both signs: 43.6 % of the vectors that do something are missed when only one is tried (Power Steering)."""
SIGNS = {BOTH: "both", (1,): "plus", (-1,): "minus"}
"""Names of signs on the page and the command line."""


@dataclass(frozen=True, kw_only=True)
class ScanRequest:
    """`rows` of the set `source` (None: all), each in `signs` and at `scales`, `samples` times on each of `prompts`.

    `unit` is that of the scales (library/checks.py); in f a row is left out in a sign in which it has no found
    scale. Every prompt gets `samples` baseline texts too. `prompt_set` is the name of the set the prompts come from, of
    which `sample_seed` drew them (None: they are its first), with `balance` answer letters alike. Raises InputError
    when a value is wrong whatever the model.
    """

    source: str
    rows: tuple[int, ...] | None = None
    signs: tuple[int, ...] = BOTH
    scales: tuple[float, ...] = RELATIVE_SCALES
    unit: str = "r"
    prompts: tuple[str, ...]
    prompt_set: str | None = None
    sample_seed: int | None = None
    balance: bool = False
    format: PromptFormat = field(default_factory=PromptFormat)
    positions: Positions = "all"
    sampling: Sampling = field(default_factory=lambda: Sampling(max_new_tokens=48))
    samples: int = 1

    def __post_init__(self) -> None:
        for name in ("rows", "signs", "scales", "prompts"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, tuple(dict.fromkeys(value)))  # twice the same would be the same text
        if not self.source:
            raise InputError("Expected a set of vectors, got none; choose one.")
        if self.rows is not None and not self.rows:
            raise InputError(f"Expected vectors of {self.source}, got none; write {ROWS_FORM}.")
        for row in self.rows or ():
            check_whole("row", row, least=0)
        if self.signs not in SIGNS:
            raise InputError(f"Expected the signs (1, -1), (1,) or (-1,), got {self.signs}; choose one or both.")
        check_unit(self.unit)
        _check_scales(self.scales)
        check_selection(self.sample_seed, self.balance)
        if not self.prompts:
            raise InputError("Expected a prompt, got none; type one.")
        self.format.check_prompts(self.prompts)
        if not all(isinstance(prompt, str) and prompt.strip() for prompt in self.prompts):
            raise InputError("Expected prompts with text in them, got an empty one; fill it in or leave it out.")
        check_positions(self.positions)
        check_whole("number of samples", self.samples, least=1, most=limits().scan_samples)
        if self.samples > 1 and self.sampling.temperature == 0:
            raise InputError(
                f"Expected a temperature above 0 for {self.samples} samples, got 0 (greedy), where all are the same; "
                "raise the temperature, or ask for 1 sample."
            )
        if self.rows is not None:
            self._check_count(len(self.rows))

    def cells(self, signed_rows: int) -> int:
        """The number of steered texts for so many (row, sign) pairs."""
        return signed_rows * len(self.scales) * self.samples * len(self.prompts)

    def rows_of(self, vector_set: VectorSet) -> tuple[int, ...]:
        """The rows asked for. Raises InputError for one that the set does not have, and for too many cells."""
        rows = tuple(range(vector_set.rows)) if self.rows is None else self.rows
        missing = next((row for row in rows if row >= vector_set.rows), None)
        if missing is not None:
            raise InputError(
                f"Expected vectors of {self.source} from 0 to {vector_set.rows - 1}, got {missing}; choose vectors "
                "that it has."
            )
        self._check_count(len(rows))
        return rows

    def signed_rows(self, vector_set: VectorSet) -> tuple[tuple[int, int], ...]:
        """(row, sign) of every direction that is scanned, rows in their order. In the unit f, those without a found
        scale are left out. Raises InputError as `rows_of` does, and when none is left.
        """
        asked = [(row, sign) for row in self.rows_of(vector_set) for sign in self.signs]
        if self.unit != "f":
            return tuple(asked)
        found = tuple((row, sign) for row, sign in asked if _found_scale(vector_set, row, sign) is not None)
        if not found:
            which, advice = self.source, f"run `python -m playground calibrate --vectors {self.source}` first"
            if has_found_scales(vector_set):
                which, advice = f"the chosen vectors of {self.source}", "choose other vectors"
            raise InputError(
                f"Expected found scales in {which} for scales in multiples of them, got none; {advice}, or choose "
                "relative scales."
            )
        return found

    def without_scale(self, vector_set: VectorSet) -> str | None:
        """A sentence that names the rows and signs that are left out for want of a found scale; None without any."""
        scanned = set(self.signed_rows(vector_set))
        missing = [
            f"{'+' if sign > 0 else '−'}{row}"
            for row in self.rows_of(vector_set)
            for sign in self.signs
            if (row, sign) not in scanned
        ]
        if not missing:
            return None
        more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
        return f"Left out, since no scale was found for them: {', '.join(missing[:MAX_NAMED])}{more} of {self.source}."

    def recipe(self, row: int, sign: int, scale: float, vector_set: VectorSet) -> Recipe:
        """The recipe of one cell, its norm to five digits, as the command and Steer show it."""
        one = {"a": 1.0, "r": vector_set.origin.residual_norm}.get(self.unit) or _found_scale(vector_set, row, sign)
        assert one is not None  # `signed_rows` leaves out what has none
        return Recipe((Component(self.source, row=row, amount=sign * float(f"{scale * one:.5g}")),))

    def _check_count(self, rows: int) -> None:
        cells = self.cells(rows * len(self.signs))
        if cells > limits().cells:
            raise InputError(
                f"Expected at most {limits().cells} texts in a scan, got {cells} ({rows} vectors × "
                f"{len(self.signs)} signs × {len(self.scales)} scales × {self.samples} samples × {len(self.prompts)} "
                "prompts); ask for fewer of them."
            )
        check_count(
            "new tokens in a scan (texts × length)", cells * self.sampling.max_new_tokens, limits().job_tokens,
            "ask for fewer or shorter texts",
        )  # fmt: skip


def has_found_scales(vector_set: VectorSet) -> bool:
    """Whether there is a found scale for any row in any sign."""
    return vector_set.found_scales is not None and bool(vector_set.found_scales.any())


def usual_unit(vector_set: VectorSet | None) -> str:
    """The default unit: f where scales were found, else r."""
    return "f" if vector_set is not None and has_found_scales(vector_set) else "r"


def usual_scales(unit: str, organism: bool) -> tuple[float, ...]:
    """The default scales in the unit f or r; `organism`: on the shipped model. Raises InputError for the unit a."""
    if unit == "a":
        raise InputError("Expected scales with the unit a, got none; write norms, such as 5 10.")
    if unit == "f":
        return FOUND_SCALES
    return ORGANISM_SCALES if organism else RELATIVE_SCALES


def _found_scale(vector_set: VectorSet, row: int, sign: int) -> float | None:
    window = vector_set.window(row, sign)
    return None if window is None else window.found


def _check_scales(scales: tuple[float, ...]) -> None:
    check_count("scales", len(scales), limits().scan_scales, "write them like 0.3 0.5 0.8", least=1)
    for scale in scales:
        if not isinstance(scale, int | float) or isinstance(scale, bool) or not math.isfinite(scale) or scale <= 0:
            raise InputError(
                f"Expected scales above 0, got {shown(scale)}; write them like 0.3 0.5 0.8, and choose the signs apart."
            )


def read_scales(text: str) -> tuple[float, ...]:
    """Parse scales, separated by spaces or commas. Raises InputError for what is no number above 0."""
    scales = []
    for word in text.replace(",", " ").split():
        try:
            scales.append(float(word))
        except ValueError:
            raise InputError(f"Expected scales as numbers, got {shown(word)}; write them like 0.3 0.5 0.8.") from None
    _check_scales(tuple(scales))
    return tuple(scales)
