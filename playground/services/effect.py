"""Effect of a mix on the next token of one prompt: probabilities before and after, KL, and a logit difference over
scales beside random pushes of equal norm. Cheap enough to follow a slider.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from playground.core.edit import Edit, random_edits, scaled
from playground.core.positions import Positions, check_positions, window
from playground.errors import Cancelled, InputError
from playground.library.checks import check_seed
from playground.library.mix import LoadSet, mix
from playground.library.recipe import Recipe
from playground.limits import check_characters, check_count, check_real, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.cut.prefix import common
from playground.model.finite import check_finite, kl_divergence
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.model.reading.answers import continuation
from playground.model.reading.next_token import next_logits

MULTIPLIERS = (-1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
TOP = 5  # likeliest tokens shown from before, and as many from after


@dataclass(frozen=True, kw_only=True)
class EffectRequest:
    """Effect request. `multipliers` scale the whole recipe: 1 is the mix as it is, 0 the baseline, −1 its negative.

    `answers` are two texts as the user typed them: the one that shows the behaviour, and the other; None leaves the
    logit difference out. `controls` random pushes of equal norm at the same layers are drawn from `seed`. Raises
    InputError when a value is wrong whatever the model.
    """

    prompt: str
    format: PromptFormat = field(default_factory=PromptFormat)
    recipe: Recipe = field(default_factory=Recipe)
    positions: Positions = "all"
    answers: tuple[str, str] | None = None
    multipliers: tuple[float, ...] = MULTIPLIERS
    controls: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        self.format.check_prompts((self.prompt,))
        check_positions(self.positions)
        check_whole("number of random controls", self.controls, least=0, most=limits().controls)
        check_seed(self.seed)
        check_count("multipliers", len(self.multipliers), limits().scales, "give some", least=1)
        for multiplier in self.multipliers:
            check_real("multiplier", multiplier)
        check_count(
            "readings of the next token (multipliers × (mix + controls))",
            len(self.multipliers) * (1 + self.controls), limits().logits, "ask for fewer",
        )  # fmt: skip
        for answer in self.answers or ():
            check_characters("an answer", answer, limits().answer_characters)
        if self.answers is not None and not all(answer.strip() for answer in self.answers):
            raise InputError("Expected two answers with text in them, got an empty one; type both.")


@dataclass(frozen=True)
class TokenShift:
    """Probability of one next token before and after."""

    token_id: int
    token_text: str
    before: float
    after: float


@dataclass(frozen=True)
class Effect:
    """`top`: the likeliest tokens before and after, by the larger of the two. `kl`: KL(steered ‖ baseline) of the next
    token, in nats. Differences are log-odds of the first answer over the second (None, and `curve` empty, without
    answers): `curve` at each of `multipliers`, `controls` one such curve for each random push. `note` names what was
    compared; `norm` and `warnings` are those of the mix.
    """

    top: tuple[TokenShift, ...]
    kl: float
    baseline_difference: float | None
    difference: float | None
    multipliers: tuple[float, ...]
    curve: tuple[float, ...]
    controls: tuple[tuple[float, ...], ...]
    note: str
    norm: float
    warnings: tuple[str, ...]


@within_memory
@interrupts_passes
def effect(
    loaded: LoadedModel,
    request: EffectRequest,
    load_set: LoadSet,
    emit: Callable[[Effect], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Effect:
    """The effect of the request's recipe. When controls are asked for, the effect without them is emitted first, since
    it is known much sooner.

    Raises InputError for an empty or over-long prompt and for answers that cannot be told apart, FileError for sets
    that are missing or were made for another width, Cancelled after a cancel; InputError where the mix makes numbers
    that are not finite, ModelError where the model does so by itself. In curves such values are NaN.
    """
    made = mix(loaded, request.recipe, load_set)
    prompt = encode(loaded, [request.prompt], request.format)
    answers = None
    if request.answers is not None:
        answers = _Answers.of(loaded, request, prompt)
    reader = _Reader(loaded, request, prompt, answers)

    scales = tuple(request.multipliers) if made.edits and answers is not None else ()
    if cancelled():
        raise Cancelled
    logits, differences = reader.read([(), made.edits, *(scaled(made.edits, scale) for scale in scales)])
    check_finite(logits[0], loaded, prompt)
    check_finite(logits[1], loaded, prompt, made.edits, request.positions)
    before, after = logits[0].double().log_softmax(dim=0), logits[1].double().log_softmax(dim=0)
    result = Effect(
        top=_top(loaded, before.exp(), after.exp()),
        kl=float(kl_divergence(after, before)),
        baseline_difference=differences[0] if differences else None,
        difference=differences[1] if differences else None,
        multipliers=tuple(request.multipliers),
        curve=tuple(differences[2:]) if scales else tuple(differences[:1] * len(request.multipliers)),
        controls=(),
        note=_note(request, answers),
        norm=made.norm,
        warnings=made.warnings,
    )
    if not request.controls or not scales:
        return result
    emit(result)
    if cancelled():
        raise Cancelled
    controls = random_edits(made.edits, request.controls, request.seed)
    # Every control passes through the baseline at 0, which is known.
    drawn = [scale for scale in scales if scale != 0]
    flat = reader.differences([scaled(pushes, scale) for pushes in controls for scale in drawn])
    curves = []
    for i in range(len(controls)):
        curve = iter(flat[i * len(drawn) : (i + 1) * len(drawn)])
        curves.append(tuple(differences[0] if scale == 0 else next(curve) for scale in scales))
    return replace(result, controls=tuple(curves))


@dataclass(frozen=True)
class _Answers:
    """The tokens at which two answers differ: `shared` are those that both begin with, `first` and `second` the next.

    The log-odds of the whole answers is that of these tokens, given the shared ones, plus what the rest of either
    answer adds; the shared beginning cancels.
    """

    shared: tuple[int, ...]
    first: int
    second: int
    texts: tuple[str, str]  # the two tokens as text
    shared_text: str

    @classmethod
    def of(cls, loaded: LoadedModel, request: EffectRequest, prompt: Encoded) -> _Answers:
        assert request.answers is not None
        known = prompt.input_ids[0].tolist()
        tokens = [continuation(loaded, request.prompt, known, request.format, answer) for answer in request.answers]
        shared = common(tokens, room=0)
        if shared == min(map(len, tokens)):
            raise InputError(
                f"Expected two answers that part at some token, got “{request.answers[0]}” and “{request.answers[1]}”, "
                "of which one begins with the other; type answers that differ."
            )
        first, second = tokens[0][shared], tokens[1][shared]

        def text(tokens: list[int]) -> str:
            return str(loaded.tokenizer.decode(tokens))

        both = tokens[0][:shared]
        return cls(tuple(both), first, second, (text([first]), text([second])), text(both) if both else "")


@dataclass(frozen=True)
class _Reader:
    """Next-token logits and log-odds of rows of pushes, all on the one prompt."""

    loaded: LoadedModel
    request: EffectRequest
    prompt: Encoded
    answers: _Answers | None

    def read(self, rows: Sequence[Sequence[Edit]]) -> tuple[Tensor, list[float]]:
        """Logits (2, vocabulary) right after the prompt for the first two rows, and the log-odds of all rows (none
        without answers). One pass over the rows where it can be, since the slider waits for it.
        """
        if self.answers is None:
            return self._logits(self.prompt, rows[:2]), []
        if self.answers.shared:
            return self._logits(self.prompt, rows[:2]), self.differences(rows)
        logits = self._logits(self.prompt, rows)
        return logits[:2], _log_odds(logits, self.answers)

    def differences(self, rows: Sequence[Sequence[Edit]]) -> list[float]:
        """The log-odds of the first answer over the second for every row, at the token where they differ."""
        assert self.answers is not None
        return _log_odds(self._logits(self._with(self.answers.shared), rows), self.answers)

    def _logits(self, prompt: Encoded, rows: Sequence[Sequence[Edit]]) -> Tensor:
        forced = prompt.lengths[0] - self.prompt.lengths[0]
        return next_logits(self.loaded, prompt.take([0] * len(rows)), rows, self.request.positions, generated=forced)

    def _with(self, tokens: Sequence[int]) -> Encoded:
        """The prompt and tokens behind it."""
        if not tokens:
            return self.prompt
        added = torch.tensor([tokens])
        return Encoded(
            torch.cat([self.prompt.input_ids, added], dim=1),
            torch.cat([self.prompt.attention_mask, torch.ones_like(added)], dim=1),
            (self.prompt.lengths[0] + len(tokens),),
        )


def _log_odds(logits: Tensor, answers: _Answers) -> list[float]:
    values: list[float] = (logits[:, answers.first] - logits[:, answers.second]).tolist()
    return values


def _top(loaded: LoadedModel, before: Tensor, after: Tensor) -> tuple[TokenShift, ...]:
    count = min(TOP, len(before))
    tokens = dict.fromkeys(before.topk(count).indices.tolist() + after.topk(count).indices.tolist())
    shifts = [TokenShift(t, str(loaded.tokenizer.decode([t])), float(before[t]), float(after[t])) for t in tokens]
    return tuple(sorted(shifts, key=lambda shift: -max(shift.before, shift.after)))


def _note(request: EffectRequest, answers: _Answers | None) -> str:
    if answers is None:
        return ""
    note = f"log-odds of “{answers.texts[0]}” over “{answers.texts[1]}”"
    if answers.shared:
        note += f" after “{answers.shared_text}”, with which both answers begin"
    if not window(request.positions).reaches_prompt and not answers.shared:
        note += "; steering generated tokens only does not reach the first one"
    return note
