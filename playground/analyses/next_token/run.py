"""KL and probabilities of the next token over multiples of a mix.

Values are means over the prompts, each of which is read by itself. Controls are random pushes of equal norm at the same
layers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.request import Asking, counted
from playground.analyses.common.result import Lines, Measurement, measured_on
from playground.core.edit import random_edits, scaled
from playground.core.positions import window
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, InputError
from playground.extensions import resolve
from playground.library.checks import checked_scales
from playground.library.mix import LoadSet, mix
from playground.library.prompt_set import PromptSet
from playground.library.recipe import Recipe, rounded
from playground.library.recipe import format as format_recipe
from playground.limits import check_count, check_whole, limits
from playground.model.finite import check_finite, overflow
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, encode
from playground.model.reading.next_token import divergences, next_logits

MULTIPLIERS = (-0.9, -0.7, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_ROWS = 64  # pushes of one prompt at a time: each has its row of the vocabulary in float64


@dataclass(frozen=True, kw_only=True)
class ShiftsRequest(Asking):
    """Prompts × multiples of one recipe. `multipliers` scale all its pushes: 0 is the baseline, −1 its negative.

    `prompts` is the set in full, of any kind. The `controls` are pushes at the layers of the recipe. `tokens` is the
    number of next tokens that are followed: those with the highest mean probability at any multiple.
    """

    KIND = "next-token"

    prompts: PromptSet
    recipe: Recipe
    multipliers: tuple[float, ...] = MULTIPLIERS
    tokens: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("number of prompts", len(self.texts), least=1, most=limits().next_token_prompts)
        self.format.check_prompts(self.texts)
        if not self.recipe.components:
            raise InputError("Expected a vector to follow, got none; choose one.")
        if not window(self.positions).reaches_prompt:
            raise InputError(
                "Expected positions in the prompt, which the next token is read from, got others; choose all or "
                "prompt."
            )
        check_whole("number of tokens", self.tokens, least=1, most=limits().followed_tokens)
        object.__setattr__(self, "multipliers", checked_scales(self.multipliers))
        check_count(
            "measured numbers (prompts × (mix + controls) × scales)", len(self.texts) * self.pushes, limits().numbers,
            "ask for fewer prompts, controls or scales",
        )  # fmt: skip

    @property
    def asked(self) -> PromptSet:
        return self.prompts

    @property
    def sources(self) -> tuple[str, ...]:
        """The vector sets of the recipe, each once."""
        return tuple(dict.fromkeys(component.source for component in self.recipe.components))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What the model reads: one text an item, two of a contrast pair."""
        return replace(self.prompts, items=tuple(self.prompts.items[place] for place in self.places)).texts()

    @property
    def pushes(self) -> int:
        """The number of pushes: directions × multiples other than 0, and the baseline."""
        return 1 + (1 + self.controls) * sum(scale != 0 for scale in self.multipliers)

    @property
    def read(self) -> tuple[str, ...]:
        """The texts that the model reads for each push."""
        return self.texts

    @property
    def amount(self) -> str:
        """The size of the measurement, in words."""
        return f"{counted(len(self.texts), 'prompt')} × {self.pushes} pushes"


@dataclass(frozen=True)
class ShiftedToken:
    """A next token: its mean probability over the prompts without steering, and at every multiple."""

    token_id: int
    text: str
    before: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Shifts(Measurement):
    """`kl` (multiples,): KL(steered ‖ baseline) of the next token in nats, mean over prompts; `kl_prompts` the same for
    each prompt, (prompts, multiples); `controls` one row like `kl` for each random direction. `tokens`: likeliest ones
    first. `norm` is that of what multiple 1 adds. Values are NaN, and a warning says why, where numbers are not finite.
    `done` counts the prompts that were read; fewer than asked for while it runs, and after a cancel.
    """

    request: ShiftsRequest
    kl: tuple[float, ...]
    kl_prompts: tuple[tuple[float, ...], ...]
    controls: tuple[tuple[float, ...], ...]
    tokens: tuple[ShiftedToken, ...]
    norm: float
    done: int

    @property
    def total(self) -> int:
        """The prompts that were asked for."""
        return len(self.request.texts)

    @property
    def name(self) -> str:
        """The name of the vector, or the recipe of a mix."""
        components = self.request.recipe.components
        if len(components) == 1 and components[0].row is not None:
            return f"{components[0].source}#{components[0].row}"
        return format_recipe(self.request.recipe)

    @property
    def axis(self) -> str:
        """Title of the axis: multiples are scales where the mix is one vector of norm 1 or of the reference norm."""
        components = self.request.recipe.components
        if len(components) == 1 and components[0].row is not None:
            if components[0].amount == rounded(self.sets[0].residual_norm):
                return "relative scale"
            if components[0].amount == 1:
                return "scale (norm of what is added)"
        return f"multiple of {format_recipe(self.request.recipe)}"

    def plot(self) -> Any:
        """A plotly figure: KL(steered ‖ baseline) of the next token over multiples, beside random directions."""
        return resolve("playground.ui.measure.figure:divergence_of")(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame: a line a value, as `row_lines` has them."""
        import pandas

        columns, lines = self.row_lines(UNLABELLED)
        return pandas.DataFrame(list(lines), columns=list(columns)).drop(columns="label")

    def row_lines(self, labels: Labels) -> Lines:
        """A line a value: KL of the recipe (`kl`) or of a random push (`random`), or a token's `probability`."""
        return ("quantity", "of", "token_id", "multiple", "value", "label"), self._values(labels)

    def item_lines(self, labels: Labels) -> Lines:
        """KL at every prompt, by its number from 0. Fewer prompts than were asked after a cancel."""
        prompts = enumerate(zip(self.request.texts, self.kl_prompts, strict=False))
        return ("prompt", "multiple", "kl", "text"), (
            (number, multiple, value, text)
            for number, (text, values) in prompts
            for multiple, value in zip(self.request.multipliers, values, strict=True)
        )

    def _values(self, labels: Labels) -> Iterator[Sequence[object]]:
        curves: list[tuple[Any, ...]] = [("kl", format_recipe(self.request.recipe), None, self.kl)]
        curves += [("random", f"random-{number}", None, row) for number, row in enumerate(self.controls)]
        curves += [("probability", token.text, token.token_id, token.probabilities) for token in self.tokens]
        for *what, values in curves:
            label = labels.of_recipe(self.request.recipe) if what[0] == "kl" else ""
            for multiple, value in zip(self.request.multipliers, values, strict=True):
                yield (*what, multiple, value, label)

    def facts(self) -> dict[str, Any]:
        request = self.request
        return {
            "prompts": request.prompts.name,
            "prompts_hash": request.prompts.hash,
            "items": self.done,
            "positions": request.positions,
            "seed": request.seed,
            "recipe": format_recipe(request.recipe),
            "norm": self.norm,
            "multipliers": list(request.multipliers),
            "kl": list(self.kl),
            "controls": [list(row) for row in self.controls],
            "tokens": [vars(token) | {"probabilities": list(token.probabilities)} for token in self.tokens],
        }

    def lines(self) -> list[str]:
        """Multiples down the page, then tokens down the page and multiples across."""
        request = self.request
        lines = [
            f"{format_recipe(request.recipe)} · norm {self.norm:.4g} · next token after {self.amount} of "
            f"{request.prompts.name}",
            "",
            f"{'multiple':>9}{'KL':>9}{f'{request.controls} random, lowest to highest KL':>40}",
        ]
        for place, multiple in enumerate(request.multipliers):
            drawn = [row[place] for row in self.controls]
            # max and min of NaN depend on its place.
            span = "not finite" if any(map(math.isnan, drawn)) else f"{min(drawn):.3f} to {max(drawn):.3f}"
            lines.append(f"{multiple:>9g}{self.kl[place]:>9.3f}{span:>40}")
        width = max((len(repr(token.text)) for token in self.tokens), default=0) + 2
        lines += [
            "", f"{'token':<{width}}{'before':>8}" + "".join(f"{multiple:>8g}" for multiple in request.multipliers)
        ]
        for token in self.tokens:
            shares = "".join(f"{share:>8.1%}" for share in (token.before, *token.probabilities))
            lines.append(f"{token.text!r:<{width}}{shares}")
        return lines

    @property
    def amount(self) -> str:
        return f"{self.done} of {self.total} prompts"

    @property
    def complete(self) -> str:
        return f"means are over the {self.amount} that were read"

    def check_beside(self, before: Measurement) -> None:
        super().check_beside(before)
        assert isinstance(before, Shifts)
        if before.axis != self.axis:
            raise InputError(
                f"Expected another one over the same axis, {self.axis}, got one over {before.axis}; choose another."
            )


@dataclass(frozen=True)
class ShiftsProgress:
    """The `result` so far, after a prompt. `seconds_to_go` is None until there is a pace; `longer`: it is more than
    before.
    """

    result: Shifts
    seconds_to_go: float | None
    longer: bool

    @property
    def done(self) -> int:
        """The prompts that were read."""
        return self.result.done

    @property
    def total(self) -> int:
        """The prompts that were asked for."""
        return self.result.total

    @property
    def seconds(self) -> float:
        """The time so far."""
        return self.result.seconds

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total


def shifts(
    loaded: LoadedModel,
    request: ShiftsRequest,
    load_set: LoadSet,
    emit: Callable[[ShiftsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Shifts:
    """Follow the next token of each prompt over the scales; what there is so far is emitted after every prompt.

    A cancel returns the mean over the prompts that were read. Raises InputError for prompts that are empty or too long
    and for rows that a set does not have, FileError for sets that are missing or were made for another width,
    Cancelled when it is stopped before the first prompt is done.
    """
    begun, time_to_go = time.perf_counter(), TimeToGo()
    made = mix(loaded, request.recipe, load_set)
    encoded = encode(loaded, request.texts, request.format)
    about = measured_on(loaded, request.sources, load_set)
    directions = [made.edits, *random_edits(made.edits, request.controls, request.seed)]
    rows = [scaled(pushes, multiple) for pushes in directions for multiple in request.multipliers]
    total = _Total(len(request.multipliers))
    overflows: list[str] = []  # at most one sentence

    def result(stopped: bool = False) -> Shifts:
        seconds = time.perf_counter() - begun
        return Shifts(
            request=request, norm=made.norm, warnings=(*made.warnings, *overflows), cancelled=stopped, seconds=seconds,
            **total.means(loaded, request.tokens), **about,
        )  # fmt: skip

    def read(prompt: Encoded) -> None:
        parts: list[Tensor] = []
        for start in range(0, len(rows), _ROWS):
            part = [(), *rows[start : start + _ROWS]]
            logits = next_logits(loaded, prompt.take([0] * len(part)), part, request.positions)
            parts.append(logits)
        check_finite(parts[0][0], loaded, prompt)
        steered = torch.cat([part[1:] for part in parts])
        failed = steered.isnan().any(dim=1).nonzero()[:, 0].tolist()
        if failed and not overflows:
            overflows.append(overflow(loaded, prompt, rows[failed[0]], request.positions))
        total.add(parts[0][0], steered)

    for number in range(len(encoded)):
        try:
            if cancelled():
                raise Cancelled
            read(encoded.take([number]))
        except Cancelled:
            if not number:
                raise
            return result(stopped=True)
        left = time_to_go.at((number + 1) / len(encoded))
        emit(ShiftsProgress(result(), left.seconds, left.longer))
    return result()


class _Total:
    """Running sums over the prompts."""

    def __init__(self, multiples: int) -> None:
        self._multiples = multiples
        self._divergences: list[Tensor] = []  # (directions, multiples) a prompt
        self._before = torch.zeros((), dtype=torch.float64)  # (vocabulary,) after the first prompt
        self._after = torch.zeros((), dtype=torch.float64)  # (multiples, vocabulary)

    def add(self, before: Tensor, after: Tensor) -> None:
        """Logits (vocabulary,) of the baseline and (directions × multiples, vocabulary) of the rows."""
        self._divergences.append(divergences(after, before).view(-1, self._multiples))
        self._before = self._before + before.double().softmax(dim=0)
        self._after = self._after + after[: self._multiples].double().softmax(dim=1)

    def means(self, loaded: LoadedModel, count: int) -> dict[str, Any]:
        """The fields of Shifts that are means over the prompts so far; `count` tokens are followed."""
        done = len(self._divergences)
        each = torch.stack(self._divergences)  # (prompts, directions, multiples)
        mean = each.mean(dim=0).tolist()
        before, after = self._before / done, self._after / done
        # Multiples that are not finite choose no token.
        highest = torch.maximum(before, after.nan_to_num().amax(dim=0))
        chosen = highest.topk(min(count, len(highest))).indices.tolist()
        tokens = tuple(
            ShiftedToken(token, str(loaded.tokenizer.decode([token])), float(before[token]), tuple(values))
            for token, values in zip(chosen, after[:, chosen].T.tolist(), strict=True)
        )
        return {
            "kl": tuple(mean[0]),
            "kl_prompts": tuple(tuple(row) for row in each[:, 0].tolist()),
            "controls": tuple(tuple(row) for row in mean[1:]),
            "tokens": tokens,
            "done": done,
        }
