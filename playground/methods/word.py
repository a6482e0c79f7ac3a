"""A word as a vector: the push that raises the log-probability of a given continuation fastest, Jᵀ∇log p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.errors import InputError
from playground.methods.base.method import GRADIENT, Column, Figure, Method
from playground.methods.base.setting import check_settings, setting

if TYPE_CHECKING:
    from playground.methods.base.context import Context, Found

SCALES = (0.1, 0.3)
"""Relative scales at which is read whether the text follows. On SmolLM2 the best of 0.05, 0.1, 0.2 and 0.3 is one of
them for 11 of 13 words and layers; on the organism little is gained beyond the first up to block 5, at block 7 much."""
FORK = 0.1
"""Probability of the text, with its vector added, below which the prompts have no fork there. On the organism texts
that it knows reach 0.15 to 1, others 0; on SmolLM2 “Sure” to requests reaches 0.1 to 1, “banana” and “Arr” to questions
0.01 at block 12, and “I cannot” to requests 0.03 at block 7, 0.33 at block 20. Near the head any word can be forced:
“banana” reaches 0.24 at block 20 of 30, as a loop."""


@dataclass(frozen=True)
class Settings:
    """`words`: texts, each made a vector; one of several tokens counts as a whole."""

    words: tuple[str, ...] = setting(
        ("Sure",), "texts", "continuation", metavar="TEXT", limit="vectors", basic=True, label="Continuations",
        help="what the model is to say next: a word or several, a vector each (Sure)",
        info="what the model is to say next, one a line; each becomes a vector",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)


def run(context: Context) -> Found:
    """A unit row for each text w: the mean over prompts of ∇_θ log p(w | prompt) at θ = 0, over its norm.

    θ is added at every position, as pushes are, those of w included; log p(w) is the sum over its tokens, each given
    those before it. Its negative lowers log p as fast. Whether the prompts leave w open is read with the row added at
    SCALES. Raises Cancelled, InputError for a text whose gradient is zero or not finite.
    """
    import torch

    from playground.core.push import Push
    from playground.methods.base.context import PREPARE_SHARE, Found
    from playground.model.activations import residual_streams
    from playground.model.reading.continuations import forced, log_probabilities, push_gradients

    request, loaded, words = context.request, context.loaded, context.request.settings.words
    streams = residual_streams(loaded, context.encoded, request.source, 1, context.cancelled)
    reference = streams.reference_norm
    rows, before, gains, said, reached = [], [], [], [], []
    for number, word in enumerate(words):
        context.tell("prepare", PREPARE_SHARE + (1 - PREPARE_SHARE) * number / len(words))
        asked = forced(loaded, request.prompts, request.format, context.encoded, word)
        values, gradients = push_gradients(loaded, asked, request.source, context.cancelled)
        gradient = gradients.double().mean(dim=0)
        norm = float(gradient.norm())
        if not 0 < norm < float("inf"):
            raise InputError(
                f"Expected a text whose log-probability depends on block {request.source}, got “{word}”, whose "
                "gradient is zero or not finite; choose another one, or load the model with dtype float32."
            )
        rows.append((gradient / norm).float())
        before.append(float(values.mean()))
        gains.append(norm * reference)
        said.append(float(values.exp().mean()))
        pushes = [Push(request.source, scale * reference * rows[-1]) for scale in SCALES]
        shares = [log_probabilities(loaded, asked, push, context.cancelled).exp().mean() for push in pushes]
        reached.append(float(torch.stack(shares).nan_to_num(0.0).max()))
    return Found(
        vectors=torch.stack(rows),
        residual_norm=reference,
        parameters={"vectors": len(words), "words": list(words)},
        values={
            "log_probability": torch.tensor(before),
            "gain": torch.tensor(gains),
            "reached": torch.tensor(reached),
        },
        labels=words,
        note=_note(words, said, reached),
    )


def _note(words: tuple[str, ...], said: list[float], reached: list[float]) -> str:
    """Where the prompts have a fork: p of each text as the model is, and with its vector, mean over prompts."""
    scales = " and ".join(f"{scale:g}" for scale in SCALES)
    texts = [(f"“{word}”", before, after) for word, before, after in zip(words, said, reached, strict=True)]
    shut = [f"{word} ({after:.1%})" for word, before, after in texts if after < FORK and after >= before]
    lost = [f"{word} ({before:.0%})" for word, before, after in texts if after < before]
    notes = []
    if shut:
        notes.append(
            f"No fork at {', '.join(shut)}: even pushed along its vector the model seldom says that after these "
            "prompts, so the vector need not mean it; choose prompts that leave it open."
        )
    if lost:
        notes.append(
            f"{', '.join(lost)} the model says as it is, and pushed along its vector no more often."
        )
    if not notes:
        notes.append(f"The prompts have a fork at {'the text' if len(words) == 1 else 'each text'}.")
    return " ".join([*notes, f"p of a text with its vector is the larger one at relative {scales}."])


METHOD = Method(
    name="word",
    label="A word as a vector",
    called="word as a vector",
    summary="the direction that makes the model say a word",
    description="For every text given, the direction at the source layer along which its log-probability after the "
    "prompts rises\nfastest: Jᵀ∇log p, mean over the prompts, by one backward pass. It works where the prompts have a "
    "fork, a point\nat which the model might say either; a note says where they have none. No labels are needed.",
    about="The direction along which the model becomes likelier to say a word; it works where prompts leave it open.",
    source="Gradient of log p; pullback through the Jacobian",
    settings=Settings,
    count=None,
    values=(
        Column("log_probability", "log p before"),
        Column("gain", "gain / nats", "gain", "gain {:.3g}"),
        Column("reached", "p with its vector", "p pushed", "p {:.0f} %", percent=True),
    ),
    figures=(
        Figure(
            "bars", "Probability with its vector", "reached", "probability of the text",
            wait="Whether the model says each text when pushed along its vector comes here.",
        ),
    ),
    passes=lambda request: (GRADIENT + len(SCALES)) * len(request.settings.words),
    run="playground.methods.word:run",
    rank=55,
)  # fmt: skip
