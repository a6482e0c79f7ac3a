"""Searches a band: the best direction of its span on some prompts, verified on others beside random ones and rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from playground.core.band import SearchSettings, SearchStep, search
from playground.core.geometry import cosines, orthonormalise
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, InputError
from playground.library.origin import label_note, library_versions, now
from playground.library.prompt_set import PromptSet, content_hash
from playground.library.vector_set import VectorSet, check_fits, vectors_hash
from playground.model.chat_template import reads_date
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import encode
from playground.services.band.request import BandRequest
from playground.services.push_effects import Divergence, LogOdds, LogProbability, PushEffect
from playground.services.scales.run import ScalesRequest
from playground.services.scales.texts import Reader, Written

_KEPT = ("onsets", "breaks", "found_scales", "scales_tried", "linear_radii")
_END = 0.9
"""Share of the work after which the search is done, and what was found is verified."""


@dataclass(frozen=True)
class BandProgress:
    """How far a search is: the best of its `evaluations` on the prompts of the search, and the best of as many random
    directions; −inf while there is none.
    """

    evaluations: int
    budget: int
    value: float
    random_value: float
    seconds: float
    share: float
    seconds_to_go: float | None
    longer: bool


@dataclass(frozen=True, eq=False)
class Judged:
    """A direction (d,) of unit norm, the target on the prompts of the search and on those held out (means, NaN where
    the model's numbers are not finite), and there by prompt (p,). `text` is a greedy one after the shortest held-out
    prompt, `noise` whether it is no longer text; None without texts.
    """

    direction: Tensor
    search: float
    held_out: float
    by_prompt: Tensor
    text: str | None = None
    noise: bool | None = None


@dataclass(frozen=True, eq=False)
class BandResult:
    """What a search found, beside the `random` direction that was best of as many and the best single row; each was
    chosen on the prompts of the search. `row` and `sign` name the latter. `baseline` is no push. `cosines` (m,) are
    those of what was found with the rows of the band.

    `ahead` is the number of held-out prompts on which what was found is ahead of the random one. `vector_set` has what
    was found as row 0 and the rows of the band after it. `evaluations` is fewer than asked for after a cancel.
    """

    request: BandRequest
    found: Judged
    random: Judged
    best_row: Judged
    baseline: Judged
    row: int
    sign: int
    cosines: Tensor
    ahead: int
    vector_set: VectorSet
    evaluations: int
    seconds: float
    prompt: str | None = None
    """The held-out prompt that the texts follow; None without texts."""

    @property
    def cancelled(self) -> bool:
        """Whether the search ended before its budget was spent."""
        return self.evaluations < self.request.budget

    @property
    def gain(self) -> float:
        """Of what was found over the best random direction, on the held-out prompts, in nats."""
        return self.found.held_out - self.random.held_out

    @property
    def verdict(self) -> str:
        """A sentence on whether the search beat the best random direction where it did not look, and the best row."""
        prompts = len(self.found.by_prompt)
        if not (math.isfinite(self.gain) and math.isfinite(self.best_row.held_out)):
            return "The model's numbers on the held-out prompts are not finite: nothing can be said; push less far."
        counted = f"ahead of it on {self.ahead} of {prompts}"
        over = f"the best of as many random directions of the span ({self.evaluations})"
        if self.gain <= 0:
            first = f"The search did not beat {over}: {_signed(self.gain)} nats on held-out prompts, {counted}."
        elif 2 * self.ahead <= prompts:
            first = (
                f"By the mean the search beat {over}, by {_signed(self.gain)} nats on held-out prompts, but it is "
                f"{counted}: that may be chance."
            )
        else:
            first = f"The search beat {over} by {_signed(self.gain)} nats on held-out prompts, {counted}."
        row = self.found.held_out - self.best_row.held_out
        called = f"row {self.row}{'+' if self.sign > 0 else '−'}"
        than = "It does more than" if row > 0 else "It does no more than"
        return f"{first} {than} the best single row, {called}: {_signed(row)} nats."


@within_memory
@interrupts_passes
def search_band(
    loaded: LoadedModel,
    request: BandRequest,
    emit: Callable[[BandProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BandResult:
    """Search the span of the request's rows, and verify what was found.

    A cancel ends the search and keeps the best so far, which is verified too; before all rows and their negatives are
    read it raises Cancelled. Raises FileError for a set of another width, InputError for rows that do not span a plane,
    prompts that cannot be read and targets without a finite value, ModelError when memory runs out.
    """
    begun, vector_set = time.perf_counter(), request.source_set
    check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    units = torch.stack([vector_set.unit(row) for row in request.rows])
    basis = orthonormalise(units).double()  # dependent to the rounding of float32 is dependent
    units = units.double()
    if len(basis) < 2:
        raise InputError("Expected rows that span a plane at least, got rows along one line; name others.")
    norm, source = request.scale * vector_set.origin.residual_norm, vector_set.origin.source
    on_search = _effect(loaded, request, request.search)
    read: list[tuple[Tensor, Tensor]] = []

    def objective(coordinates: Tensor) -> Tensor:
        if cancelled():
            raise Cancelled
        values = on_search.mean(on_search.read(source, (norm * coordinates @ basis).float()))
        read.append((coordinates[: len(values) // 2], values[: len(values) // 2]))
        return values

    candidates = units @ basis.T
    candidates = torch.cat([candidates, -candidates])
    candidates = candidates / candidates.norm(dim=1, keepdim=True)
    last = _searched(objective, candidates, request, emit, begun)
    of_rows = torch.cat([values for _, values in read])[: len(candidates)]
    if last is None or len(of_rows) < len(candidates):
        raise Cancelled
    if not (math.isfinite(last.value) and math.isfinite(last.random_value) and bool(of_rows.isfinite().any())):
        raise InputError(
            f"Expected finite numbers of the model at relative scale {request.scale:g}, got none; push less far."
        )
    best = int(of_rows.nan_to_num(-math.inf).argmax())
    coordinates = torch.stack([last.best, last.best_random, candidates[best], torch.zeros_like(last.best)])
    directions = (coordinates @ basis).float()
    try:
        judged, prompt = _judged(loaded, request, norm * directions, directions, on_search)
    except Cancelled:  # after the search: it was heard, and lets all through now
        judged, prompt = _judged(loaded, request, norm * directions, directions, on_search)
    found, random, best_row, baseline = judged
    ahead = int((found.by_prompt > random.by_prompt).sum())
    seconds = time.perf_counter() - begun
    result = BandResult(
        request=request, found=found, random=random, best_row=best_row, baseline=baseline,
        row=request.rows[best % len(units)], sign=1 if best < len(units) else -1,
        cosines=cosines(directions[:1].double(), units)[0].float(), ahead=ahead, vector_set=vector_set,
        evaluations=last.evaluations, seconds=seconds, prompt=prompt,
    )  # fmt: skip
    emit(BandProgress(last.evaluations, request.budget, last.value, last.random_value, seconds, 1.0, 0.0, False))
    return replace(result, vector_set=_vector_set(loaded, result, of_rows[: len(units)]))


def _searched(
    objective: Callable[[Tensor], Tensor],
    candidates: Tensor,
    request: BandRequest,
    emit: Callable[[BandProgress], None],
    begun: float,
) -> SearchStep | None:
    """The last step of a search before its end or a cancel; None where that came before the first."""
    last, time_to_go = None, TimeToGo()
    try:
        for last in search(objective, candidates, SearchSettings(request.budget, request.seed)):
            share = _END * last.evaluations / request.budget
            left, seconds = time_to_go.at(share), time.perf_counter() - begun
            emit(
                BandProgress(
                    last.evaluations, request.budget, last.value, last.random_value, seconds, share, left.seconds,
                    left.longer,
                )  # fmt: skip
            )
    except Cancelled:
        pass
    return last


def _effect(loaded: LoadedModel, request: BandRequest, prompts: PromptSet) -> PushEffect:
    """The target at some prompts. It does not ask for cancels: passes do, until one was heard, and the objective."""
    if request.target == "choices":
        return LogOdds(loaded, prompts, request.format)
    if request.word is not None:
        return LogProbability(loaded, prompts.texts(), request.format, request.word)
    return Divergence(loaded, encode(loaded, prompts.texts(), request.format))


def _judged(
    loaded: LoadedModel, request: BandRequest, pushed: Tensor, directions: Tensor, on_search: PushEffect
) -> tuple[list[Judged], str | None]:
    """Directions (n, d) with the target on both sets of prompts, and a text; the prompt of the texts."""
    source = request.source_set.origin.source
    effects = (on_search, _effect(loaded, request, request.held_out))
    before, after = (effect.read(source, pushed) for effect in effects)
    means = zip(on_search.mean(before).tolist(), effects[1].mean(after).tolist(), strict=True)
    judged = [
        Judged(direction, *both, by_prompt)
        for direction, both, by_prompt in zip(directions, means, after, strict=True)
    ]
    if not request.tokens:
        return judged, None
    texts: list[Written] = []
    prompts = encode(loaded, request.held_out.texts(), request.format)
    asked = ScalesRequest(texts=2, prompts=1, tokens=request.tokens)
    reader = Reader(loaded, prompts, source, asked, lambda: False)
    reader.write(list(pushed), 0, lambda numbers, written: texts.extend(written))
    judged = [replace(one, text=text.text, noise=text.noise) for one, text in zip(judged, texts, strict=True)]
    return judged, request.held_out.texts()[reader.number_of(0)]


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _vector_set(loaded: LoadedModel, result: BandResult, of_rows: Tensor) -> VectorSet:
    """What was found as row 0, then the rows of the band as they are in their set. `objective` is the target on the
    prompts of the search, of rows in the positive sign (`of_rows`, (m,)).
    """
    request, found = result.request, result.found
    band = request.source_set.take(request.rows)
    objective = torch.cat([torch.tensor([found.search], dtype=torch.float64), of_rows]).float()
    values: dict[str, Any] = {
        name: torch.cat([torch.zeros(1, 2), own]) for name in _KEPT if (own := getattr(band, name)) is not None
    }
    if band.singular_values is not None:  # of orthonormal right singular vectors: ‖Jv‖² = Σ cos² σ²
        gain = (result.cosines * band.singular_values).norm()
        values["singular_values"] = torch.cat([gain[None], band.singular_values])
    called = f"{request.target_name} in a band of {len(request.rows)} rows"
    return VectorSet(
        vectors=torch.cat([found.direction[None], band.vectors]),
        origin=replace(
            band.origin, method="band", parameters=_parameters(loaded, result), seed=request.seed,
            prompts=request.search.texts(), prompt_set=request.search.name,
            prompt_hash=content_hash(request.search.texts()), chat=request.format.chat, system=request.format.system,
            converged=None, seconds=result.seconds, versions=library_versions(), created=now(),
        ),
        objective=objective if bool(objective.isfinite().all()) else None,
        **values,
        notes=(label_note(called), *band.notes),
        name=f"{request.source_set.name or 'set'}-band"[-80:],
        description="",
    )  # fmt: skip


def _parameters(loaded: LoadedModel, result: BandResult) -> dict[str, Any]:
    request = result.request
    parameters: dict[str, Any] = {"vectors": 1 + len(request.rows), "dtype": str(loaded.dtype).removeprefix("torch.")}
    if request.format.chat:
        parameters["thinking"] = request.format.thinking
        if reads_date(loaded):
            parameters["date"] = request.format.date
    return parameters | {
        "set": request.source_set.name,
        "set_hash": vectors_hash(request.source_set),
        "set_method": request.source_set.origin.method,
        "rows": list(request.rows),
        "target": request.target,
        "word": request.word,
        "scale": request.scale,
        "budget": request.budget,
        "evaluations": result.evaluations,
        "cosines": _numbers(result.cosines.tolist()),
        "held_out_prompts": list(request.held_out.texts()),
        "best_row": [result.row, result.sign],
        **{
            name: _numbers([judged.search, judged.held_out])
            for name, judged in (
                ("found", result.found), ("random", result.random), ("row", result.best_row),
                ("baseline", result.baseline),
            )
        },
    }  # fmt: skip


def _numbers(values: Sequence[float]) -> list[float | None]:
    """As JSON has them: null for what is not finite."""
    return [value if math.isfinite(value) else None for value in values]
