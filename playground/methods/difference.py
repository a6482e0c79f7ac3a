"""Mean difference: residual streams where a behaviour shows minus those where it does not (Rimsky et al., 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.methods.base.method import Method, Preset, Reads

if TYPE_CHECKING:
    from playground.methods.base.context import Context, Found


def run(context: Context) -> Found:
    """One direction, in the norm that the means give it: adding it once turns one mean into the other.

    Between two lists of prompts each prompt is read at its last K tokens, averaged. Of a choice item the prompt is read
    with either answer after it, at the token that tells the answer from the other one (`with_answers`), so that the two
    sides differ in nothing else. Raises Cancelled, and InputError when both sides are the same.
    """
    import torch

    from playground.core.contrast import mean_difference
    from playground.methods.base.context import Found
    from playground.methods.base.sides import read_sides, sides_parameters
    from playground.model.reference import median

    positive, negative = read_sides(context)
    vectors = mean_difference(positive.means, negative.means)
    norm, residual = float(vectors.norm()), median(torch.cat([positive.norms, negative.norms]))
    parameters: dict[str, Any] = {"vectors": 1, **sides_parameters(context.request)}
    return Found(
        vectors=vectors,
        residual_norm=residual,
        target_tokens=context.request.last_tokens,
        parameters=parameters | context.sinks(positive.sinks + negative.sinks),
        note=f"Native norm {norm:.3g}, relative {norm / residual:.2g}: adding it once turns one mean into the other.",
    )


METHOD = Method(
    name="difference",
    label="Mean difference",
    called="mean difference",
    summary="mean difference between two lists of prompts or answers",
    description="The mean residual stream at the source layer on prompts that show a behaviour, minus that on prompts "
    "that\ndo not. Contrast pairs bring both sides along, and so do choice items, whose answers follow the question\n"
    "and are read where they part; other prompts need --against.",
    about="The mean residual stream on prompts that show a behaviour, minus that on prompts that do not.",
    source="Contrastive activation addition (Rimsky et al., 2024)",
    reads=Reads(
        tokens=1, sides=2,
        help="average the last K tokens of each prompt, or all (1); answers are read where they part",
    ),
    count=None,
    norm="free",
    presets=(
        Preset("difference-published", "CAA: last token, or where the answer letter is", {"target_tokens": 1}),
    ),
    run="playground.methods.difference:run",
    rank=40,
)  # fmt: skip
