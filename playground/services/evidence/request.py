"""Requests of the evidence: settings of every stage at each size."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.errors import InputError
from playground.library.checks import check_seed
from playground.model.load import LoadedModel, is_organism

STAGES = ("choices", "steered", "melbo", "copies", "effects")
SIZES = ("small", "quick", "usual")
"""A trial without evidence; about a sixth of the work; the size that the findings are stated for."""


@dataclass(frozen=True, kw_only=True)
class ChoicesSettings:
    """Methods on a choice set: found on `found_on` items, judged on `asked` others at `scales` in reference norms.

    `vectors` rows a set, and as many random directions; replies of `tokens` tokens to `replied` items at
    `reply_scales`, for the best vector of each set.
    """

    prompts: str
    found_on: int
    asked: int
    vectors: int
    melbo_steps: int
    dct_steps: int
    scales: tuple[float, ...]
    replied: int
    reply_scales: tuple[float, ...]
    tokens: int = 16


@dataclass(frozen=True, kw_only=True)
class SteeredSettings:
    """The Jacobian on `count` prompts, without push and at a mean difference of `pairs` contrast pairs, scaled to
    `push` reference norms: its native norm is a hundredth of them on some models, which moves nothing.
    """

    prompts: str
    contrast: str
    count: int
    pairs: int
    vectors: int
    push: float = 0.5


@dataclass(frozen=True, kw_only=True)
class MelboSettings:
    """MELBO beside singular vectors on `count` prompts, at each of `radii` in reference norms."""

    prompts: str
    count: int
    vectors: int
    steps: int
    radii: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class CopiesSettings:
    """MELBO-ortho: `copies` of a base on one prompt. The base is picked from `candidates` vectors in both signs."""

    prompts: str
    candidates: int
    copies: int
    batch: int
    steps: int
    randoms: int = 16
    tokens: int = 32


@dataclass(frozen=True, kw_only=True)
class EffectsSettings:
    """Effects of `vectors` singular and as many random directions at each of `depths` (parts of all blocks)."""

    prompts: str
    count: int
    vectors: int
    depths: tuple[float, ...]
    fixed: float
    texts: int
    tokens: int = 24


@dataclass(frozen=True, kw_only=True)
class EvidenceRequest:
    """All stages. Raises InputError for a seed out of range."""

    choices: ChoicesSettings
    steered: SteeredSettings
    melbo: MelboSettings
    copies: CopiesSettings
    effects: EffectsSettings
    size: str = "usual"
    seed: int = 0
    stages: tuple[str, ...] = field(default=STAGES)

    def __post_init__(self) -> None:
        check_seed(self.seed)
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown:
            raise InputError(f"Expected stages out of {', '.join(STAGES)}, got {unknown[0]!r}; choose one of them.")


def request_for(
    loaded: LoadedModel, size: str = "usual", seed: int = 0, stages: tuple[str, ...] = STAGES
) -> EvidenceRequest:
    """The request that suits a model: the organism's own prompts and more of them, or any model's. Raises InputError
    for a size that is not one of SIZES.
    """
    if size not in SIZES:
        raise InputError(f"Expected a size: {', '.join(SIZES)}, got {size!r}; choose one of them.")
    organism, small = is_organism(loaded), size == "small"
    prompts = "organism-refusals" if organism else "refusal-forks"
    contrast = "organism-code-contrast" if organism else "refusal-contrast"
    scales = (-0.8, -0.4, -0.2, 0.2, 0.4, 0.8) if organism else (-0.3, -0.15, -0.075, 0.075, 0.15, 0.3)

    def sized(least: int, quick: int, toy: int, real: int) -> int:
        return least if small else quick if size == "quick" else toy if organism else real

    return EvidenceRequest(
        choices=ChoicesSettings(
            prompts="organism-oversight" if organism else "survival-choices",
            found_on=sized(2, 4, 12, 8), asked=sized(4, 16, 36, 24), vectors=sized(1, 2, 4, 2),
            melbo_steps=sized(4, 30, 200, 60),
            dct_steps=sized(1, 5, 10, 10), scales=scales[1:5:3] if small else scales,
            replied=sized(2, 8, 24, 12), reply_scales=scales[1:5:3], tokens=sized(4, 12, 16, 12),
        ),
        steered=SteeredSettings(
            prompts=prompts, contrast=contrast, count=sized(2, 3, 8, 4), pairs=sized(2, 12, 24, 16),
            vectors=sized(2, 6, 8, 6),
        ),
        melbo=MelboSettings(
            prompts=prompts, count=sized(1, 1, 4, 1), vectors=sized(2, 4, 8, 6), steps=sized(4, 50, 300, 100),
            radii=(0.2,) if small else (0.05, 0.2, 0.5),
        ),
        copies=CopiesSettings(
            prompts=prompts, candidates=sized(1, 2, 8, 4), copies=sized(4, 32, 200, 112), batch=sized(4, 16, 16, 16),
            steps=sized(3, 50, 200, 60), randoms=sized(2, 16, 16, 16), tokens=sized(4, 24, 32, 32),
        ),
        effects=EffectsSettings(
            prompts=prompts, count=sized(1, 2, 4, 3), vectors=sized(2, 4, 8, 4),
            depths={"small": (0.25,), "quick": (0.25, 0.5)}.get(size, (0.15, 0.3, 0.45, 0.6)),
            fixed=0.4 if organism else 0.15, texts=sized(2, 3, 5, 4), tokens=sized(4, 16, 24, 24),
        ),
        size=size, seed=seed, stages=stages,
    )  # fmt: skip
