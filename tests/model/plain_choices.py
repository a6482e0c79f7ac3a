"""The plain way to score choices, which the fast one is held to: one forward pass for each item and answer, a hook, and
the logits at the last positions. No batch, no padding, nothing kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.push import Push
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, render
from playground.model.reading.answers import continuation


@torch.no_grad()
def log_odds(
    loaded: LoadedModel,
    prompt: str,
    format: PromptFormat,
    answers: tuple[str, str],
    pushes: Sequence[Push] = (),
    positions: str = "all",
) -> float:
    """Log-odds of the first answer over the second: by the logits of the token where they part when they end alike
    after it, else by the log-probability of either whole answer.
    """
    text = render(loaded, prompt, format)
    known = loaded.tokenizer(text, add_special_tokens=not format.chat)["input_ids"]
    first, second = (continuation(loaded, text, known, format, answer) for answer in answers)
    parting = next(i for i in range(len(first)) if first[i] != second[i])
    if first[parting + 1 :] == second[parting + 1 :]:
        logits = _logits(loaded, known + first[:parting], len(known), pushes, positions)[-1]
        return float(logits[first[parting]] - logits[second[parting]])
    whole = []
    for answer in (first, second):
        logits = _logits(loaded, known + answer[:-1], len(known), pushes, positions)
        scores = logits.log_softmax(dim=-1)[len(known) - 1 :]
        whole.append(sum(float(scores[i, token]) for i, token in enumerate(answer)))
    return whole[0] - whole[1]


@torch.no_grad()
def divergence(
    loaded: LoadedModel, prompt: str, format: PromptFormat, shared: str, pushes: Sequence[Push], positions: str = "all"
) -> float:
    """KL(steered ‖ baseline) in nats of the token after the prompt and `shared`."""
    text = render(loaded, prompt, format)
    known = loaded.tokenizer(text, add_special_tokens=not format.chat)["input_ids"]
    tokens = known + (continuation(loaded, text, known, format, shared) if shared else [])
    steered, still = (
        _logits(loaded, tokens, len(known), given, positions)[-1].double().log_softmax(dim=-1)
        for given in (pushes, ())
    )
    return float((steered.exp() * (steered - still)).sum())


def _logits(
    loaded: LoadedModel, tokens: Sequence[int], prompt: int, pushes: Sequence[Push], positions: str
) -> Tensor:
    """(T, vocabulary) for one sequence, of which the first `prompt` tokens are the prompt."""
    blocks = loaded.model.get_decoder()
    blocks = blocks.layers if hasattr(blocks, "layers") else blocks.h
    start, end = {
        "all": (0, len(tokens)), "prompt": (0, prompt), "last": (prompt - 1, prompt),
        "generated": (prompt, len(tokens)), "first-1": (prompt, prompt + 1),
    }[positions]  # fmt: skip

    def hook(push: Push):
        def add(module, args, output):
            hidden = output[0] if isinstance(output, tuple) else output
            hidden = hidden.clone()
            hidden[:, start:end] += push.vector.to(hidden)
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        return add

    handles = [blocks[push.layer].register_forward_hook(hook(push)) for push in pushes]
    try:
        return loaded.model(input_ids=torch.tensor([list(tokens)], device=loaded.device), use_cache=False).logits[0]
    finally:
        for handle in handles:
            handle.remove()
