"""Estimated time of Generate, shown before the click, and learnt after it."""

from __future__ import annotations

from playground.errors import PlaygroundError
from playground.model.load import LoadedModel
from playground.services.estimates import expected, learn, work_of_generate
from playground.services.generate import GenerateRequest, GenerateResult
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import Frame
from playground.ui.kit.markup import estimate
from playground.ui.kit.mix import active_rows
from playground.ui.steer.form import SteerForm


def hint(frame: Frame, form: SteerForm) -> str:
    """A line with the texts that the form asks for and their estimated time, as HTML; "" while it asks for none."""
    try:
        loaded, format, tokens = frame.loaded, form.format, form.sampling.max_new_tokens
        pushed = any(row.scale for row in active_rows(form.mix))
        texts = whole(form.samples, "samples") * (2 + len(form.beside) if pushed else 1)
        if not (form.prompt or "").strip():
            return ""
        took = expected(loaded, work_of_generate(loaded, (form.prompt,), format, texts, tokens))
    except PlaygroundError:
        return ""
    return estimate(f"{texts} {'text' if texts == 1 else 'texts'} of up to {tokens} tokens", took)


def learn_from(loaded: LoadedModel, request: GenerateRequest, result: GenerateResult) -> None:
    """Keep the time that texts took, unless they were stopped."""
    if not result.cancelled:
        tokens = request.sampling.max_new_tokens
        learn(loaded, work_of_generate(loaded, request.prompts, request.format, request.rows, tokens), result.seconds)
