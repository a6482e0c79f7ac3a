"""One small job of every kind, by name: all methods, all analyses, generating, scanning and finding scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from playground.analyses import registry
from playground.analyses.common.request import MeasuredVector
from playground.library.origin import Origin, now
from playground.library.prompt_items import ChoiceItem
from playground.library.prompt_set import ExactItem, PromptSet
from playground.library.recipe import parse
from playground.library.reply_patterns import ReplyPattern
from playground.library.vector_set import VectorSet
from playground.methods.base.registry import registered
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate
from playground.services.measure import measure, measure_request
from playground.services.scales import ScalesRequest, find_scales
from playground.services.scan import ScanRequest, scan

Run = Callable[..., Any]
"""Called with a model, `emit` and `cancelled`."""
PROMPTS = ("Does it help?", "Is it blue, or is it not?")
THREE = Sampling(max_new_tokens=3)


def vector_set(loaded: LoadedModel) -> VectorSet:
    """Three vectors at block 1, with found scales of 3."""
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count, source=1,
        target=3, method="random", residual_norm=2.0, prompts=PROMPTS, created=now(),
    )  # fmt: skip
    return VectorSet(torch.randn(3, loaded.width, generator=torch.Generator().manual_seed(0)), origin, name="x")


def jobs() -> dict[str, Run]:
    """The jobs by name."""
    found: dict[str, Run] = {f"find {name}": _find(name) for name in registered()}
    found |= {f"measure {name}": _measure(name) for name in registry.measured()}
    asked = GenerateRequest(prompts=PROMPTS, recipes=(parse("x#0@3"),), sampling=THREE, positions="generated")
    grid = ScanRequest(source="x", rows=(0, 1), prompts=PROMPTS, scales=(3,), unit="a", sampling=THREE)
    found["generate"] = lambda loaded, **told: generate(loaded, asked, _load(loaded), **told)
    found["scan"] = lambda loaded, **told: scan(loaded, grid, _load(loaded), **told)
    few = ScalesRequest(rows=(0,), texts=3, tokens=4, prompts=1)
    found["scales"] = lambda loaded, **told: find_scales(loaded, vector_set(loaded), few, **told)
    return found


def outcome(result: Any) -> Any:
    """What must be equal when a job is run twice: all that a result holds but times, as plain values."""
    if isinstance(result, Tensor):
        return result.tolist()
    if isinstance(result, dict):
        return {key: outcome(value) for key, value in result.items() if key not in _OF_THE_RUN}
    if isinstance(result, (tuple, list)):
        return [outcome(value) for value in result]
    if hasattr(result, "__dataclass_fields__"):
        return outcome({name: getattr(result, name) for name in result.__dataclass_fields__})
    return result


_OF_THE_RUN = ("seconds", "tokens_per_second", "created", "versions", "seconds_to_go")


def _load(loaded: LoadedModel) -> Callable[[str], VectorSet]:
    return {"x": vector_set(loaded)}.__getitem__


def _find(name: str) -> Run:
    method = registered()[name]
    own: dict[str, Any] = {"vectors": 2} if method.count is not None else {}
    own |= {"steps": 2} if "steps" in method.options else {}
    own |= {"base": "x#0@2", "stop_share": 0.0} if "base" in method.options else {}
    own |= {"against": ("It does not.", "No.")} if method.reads.sides == 2 else {}
    asked = find_request(name, prompts=PROMPTS, source=1, target=3 if method.reads.target else None, **own)
    return lambda loaded, **told: find(loaded, asked, load_set=_load(loaded), **told)


def _measure(name: str) -> Run:
    analysis = registry.measured()[name]
    kind, items = {
        "choices": ("choices", tuple(ChoiceItem(prompt, " Yes", " No") for prompt in PROMPTS)),
        "exact": ("exact", tuple(ExactItem(prompt, "2") for prompt in PROMPTS)),
    }.get(name, ("prompts", PROMPTS))
    asked = PromptSet(name="asked", title="", description="", kind=kind, items=items)
    fields: dict[str, Any] = {"controls": 1, "seed": 3}
    if analysis.over == "mix":
        fields |= {"recipe": parse("x#0@3"), "multipliers": (-1.0, 1.0), "tokens": 3}
    else:
        fields |= {"vectors": (MeasuredVector("x", 0),), "scales": (-3.0, 3.0), "unit": "a"}
    if name in ("exact", "replies"):
        fields["sampling"] = THREE
    if name == "replies":
        fields["patterns"] = (ReplyPattern("an e", "e"),)
    return lambda loaded, **told: measure(loaded, measure_request(analysis, asked, **fields), _load(loaded), **told)
