"""The gallery of a vector set: on one prompt, a greedy text for every row in both signs at its found scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from playground.core.noise import is_noise, repetition
from playground.core.push import Push
from playground.errors import ModelError
from playground.library.scale_window import UNKNOWN_SCALE
from playground.library.vector_set import VectorSet, check_fits
from playground.limits import check_count, check_real, check_whole, limits
from playground.model.cut.memory import smaller_batch, within_memory
from playground.model.generation.batch import rows_together
from playground.model.generation.generate import Generation, Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.model.reading.text_likelihood import perplexities
from playground.services import recent

SIGNS = (1, -1)

Signed = tuple[int, int]
"""A row and its sign, 1 or −1."""
BASELINE: Signed = (-1, 0)
"""The place of the text without a push among those of a batch."""


@dataclass(frozen=True, kw_only=True)
class GalleryRequest:
    """A prompt, its format, and the length of the texts; `scale`, a relative one for all rows and signs (None: each at
    its found scale). Raises InputError for a prompt or number out of range.
    """

    prompt: str
    format: PromptFormat = field(default_factory=PromptFormat)
    tokens: int = 32
    scale: float | None = None

    def __post_init__(self) -> None:
        self.format.check_prompts((self.prompt,))
        check_whole("number of new tokens", self.tokens, least=1, most=limits().look_tokens)
        if self.scale is not None:
            check_real("relative scale", self.scale, 0, limits().effect_scale, above=True)


@dataclass(frozen=True)
class GalleryText:
    """A text at a scale, the absolute norm of what is added. `noise`: it is no longer text (core/noise.py), None until
    the text has been read.
    """

    scale: float
    text: str
    noise: bool | None = None


Texts = Mapping[Signed, GalleryText]


@dataclass(frozen=True)
class Gallery:
    """Texts by row and sign, those that there are so far, and the text without a push. `share` is the part done."""

    baseline: str = ""
    texts: Texts = field(default_factory=dict)
    share: float = 0.0
    cancelled: bool = False


def signed_scales(vector_set: VectorSet) -> dict[Signed, float]:
    """(row, sign) → the found scale, an absolute norm with three digits of relative scale, as sliders have.

    A row without a search for scales has UNKNOWN_SCALE. A sign without a found scale, in which the vector makes noise
    or has no effect, is left out, and so are rows of norm 0.
    """
    residual, scales = vector_set.origin.residual_norm, {}
    for row in range(vector_set.rows):
        for sign in SIGNS if bool(vector_set.vectors[row].any()) else ():
            window = vector_set.window(row, sign)
            if window is None:
                scales[row, sign] = UNKNOWN_SCALE * residual
            elif window.found is not None:
                scales[row, sign] = float(f"{window.found / residual:.3g}") * residual
    return scales


@within_memory
def write_gallery(
    loaded: LoadedModel,
    vector_set: VectorSet,
    request: GalleryRequest,
    emit: Callable[[Gallery], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Gallery:
    """The texts of all rows of `signed_scales`, or at one scale, batch by batch; `emit` gets the gallery so far after
    every token.

    A cancel returns what is written by then. Raises FileError for a set of another width, InputError for a prompt that
    is too long and for too many texts, ModelError when not even one text fits into memory.
    """
    recent.ran(request)
    check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    scales = signed_scales(vector_set) if request.scale is None else _same_scale(vector_set, request.scale)
    check_count(
        "new tokens of a gallery (texts × length)", (len(scales) + 1) * request.tokens, limits().job_tokens,
        "look at a set of fewer rows",
    )  # fmt: skip
    encoded = encode(loaded, (request.prompt,), request.format, room=request.tokens)
    writer = _Writer(loaded, vector_set, encoded, request.tokens, cancelled)
    places = [BASELINE, *scales]
    size, begin = rows_together(loaded, encoded.lengths[0] + request.tokens), 0
    gallery = Gallery()
    while begin < len(places):
        part = places[begin : begin + size]

        def tell(texts: Texts, written: float, before: Gallery = gallery, done: int = begin) -> None:
            emit(_joined(before, texts, (done + written * len(texts)) / len(places)))

        try:
            texts, stopped = writer.write([(place, scales.get(place, 0.0)) for place in part], tell)
        except ModelError as error:
            size = smaller_batch(len(part), error)
            continue
        gallery = _joined(gallery, texts, (begin + len(part)) / len(places))
        emit(gallery)
        if stopped:
            return replace(gallery, cancelled=True)
        begin += len(part)
    return gallery


def _same_scale(vector_set: VectorSet, relative: float) -> dict[Signed, float]:
    """(row, sign) → the norm of this relative scale; rows of norm 0 are left out."""
    norm = relative * vector_set.origin.residual_norm
    rows = [row for row in range(vector_set.rows) if bool(vector_set.vectors[row].any())]
    return {(row, sign): norm for row in rows for sign in SIGNS}


def _joined(before: Gallery, texts: Texts, share: float) -> Gallery:
    baseline = texts[BASELINE].text if BASELINE in texts else before.baseline
    own = {place: text for place, text in texts.items() if place != BASELINE}
    return Gallery(baseline, {**before.texts, **own}, share)


@dataclass(frozen=True)
class _Read:
    """What tells text from noise."""

    repetition: float
    perplexity: float | None


class _Writer:
    """Writes a batch of texts and reads them; the baseline is read with the first batch."""

    def __init__(
        self, loaded: LoadedModel, vector_set: VectorSet, encoded: Encoded, tokens: int, cancelled: Callable[[], bool]
    ) -> None:
        self._loaded = loaded
        self._set = vector_set
        self._encoded = encoded
        self._sampling = Sampling(max_new_tokens=tokens)
        self._cancelled = cancelled
        self._baseline: _Read | None = None

    def write(
        self, batch: Sequence[tuple[Signed, float]], tell: Callable[[Texts, float], None]
    ) -> tuple[Texts, bool]:
        """The texts of a batch of (row and sign, scale), and whether it was cancelled. `tell` gets them as they grow,
        and the share of the batch that is done.
        """
        steps = self._sampling.max_new_tokens

        def texts_of(texts: Sequence[str]) -> Texts:
            return {place: GalleryText(scale, text) for (place, scale), text in zip(batch, texts, strict=True)}

        prompts = self._encoded.take([0] * len(batch))
        done = generate(
            self._loaded,
            prompts,
            [self._pushes(place, scale) for place, scale in batch],
            sampling=self._sampling,
            on_step=lambda step: tell(texts_of(step.texts), 0.9 * min(step.index + 1, steps) / steps),
            cancelled=self._cancelled,
        )
        texts = texts_of(done.texts)
        return (texts, True) if done.cancelled else (self._judged(texts, prompts, done), False)

    def _pushes(self, place: Signed, scale: float) -> tuple[Push, ...]:
        if place == BASELINE:
            return ()
        row, sign = place
        return (Push(self._set.origin.source, sign * scale * self._set.unit(row)),)

    def _judged(self, texts: Texts, prompts: Encoded, done: Generation) -> Texts:
        perplexity = perplexities(self._loaded, prompts, done.token_ids)
        reads = [_Read(repetition(ids), likely) for ids, likely in zip(done.token_ids, perplexity, strict=True)]
        if self._baseline is None:
            self._baseline = reads[0]
        return {
            place: replace(text, noise=place != BASELINE and (cut or is_noise(read, self._baseline)))
            for (place, text), read, cut in zip(texts.items(), reads, done.overflowed, strict=True)
        }
