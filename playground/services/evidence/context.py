"""Context of a stage: the model, the vector sets found so far, and prompts, next tokens and texts of pushes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from playground.core.geometry import principal_angles
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library import prompts as prompt_sets
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.vector_set import VectorSet
from playground.methods.base.request import find_request
from playground.model.generation.generate import Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat
from playground.model.reading.next_token import divergences, next_logits
from playground.services.find.run import find


@dataclass
class StageContext:
    """A model with the sets found on it. `tell` takes a line about the progress of a stage."""

    loaded: LoadedModel
    seed: int = 0
    tell: Callable[[str], None] = lambda text: None
    cancelled: Callable[[], bool] = lambda: False
    sets: dict[str, VectorSet] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[int, int]:
        """Source and target at a quarter and three quarters of the blocks."""
        return self.loaded.block_count // 4, 3 * self.loaded.block_count // 4

    def check(self) -> None:
        """Raises Cancelled when the run is stopped."""
        if self.cancelled():
            raise Cancelled

    def find(self, name: str, method: str, **settings: Any) -> VectorSet:
        """Find a set and keep it under a name that recipes can use. Raises what `find` raises, Cancelled when it is
        stopped before its end.
        """
        source, target = settings.pop("layers", self.layers)
        request = find_request(method, source=source, target=target, seed=self.seed, **settings)
        done = find(
            self.loaded,
            request,
            lambda event: self.tell(f"{name} · {event.share:.0%}"),
            self.cancelled,
            self.load_set,
        )
        if done.cancelled:
            raise Cancelled
        self.sets[name] = replace(done.vector_set, name=name)
        return self.sets[name]

    def load_set(self, name: str) -> VectorSet:
        """A set by its name."""
        return self.sets[name]

    def read(self, vectors: Tensor, layer: int, encoded: Encoded) -> Tensor:
        """Logits (k, prompts, vocabulary) of the next token with each of `vectors` (k, d) added."""
        parts = []
        for prompt in range(len(encoded)):
            self.check()
            pushes = [(Push(layer, vector),) for vector in vectors]
            parts.append(next_logits(self.loaded, encoded.take([prompt] * len(pushes)), pushes))
        return torch.stack(parts, dim=1)

    def kl(self, vectors: Tensor, layer: int, encoded: Encoded, reference: Tensor | None = None) -> Tensor:
        """(k,): KL(steered ‖ reference) of the next token in nats, the mean over prompts. `reference` (d,) is a push
        itself; None is the unsteered model.
        """
        still = torch.zeros(self.loaded.width) if reference is None else reference
        logits = self.read(torch.cat([still[None], vectors]), layer, encoded)
        per_prompt = [divergences(logits[1:, prompt], logits[0, prompt]) for prompt in range(len(encoded))]
        return torch.stack(per_prompt).mean(dim=0)

    def texts(self, vectors: Sequence[Tensor], layer: int, encoded: Encoded, tokens: int) -> list[str]:
        """The greedy continuation of the first prompt, without push and with each of the vectors (d,)."""
        pushes: list[tuple[Push, ...]] = [(), *((Push(layer, vector),) for vector in vectors)]
        texts: list[str] = []
        for start in range(0, len(pushes), 32):
            part = pushes[start : start + 32]
            done = generate(
                self.loaded, encoded.take([0] * len(part)), part, "all", Sampling(max_new_tokens=tokens),
                cancelled=self.cancelled,
            )  # fmt: skip
            if done.cancelled:
                raise Cancelled
            texts += done.texts
        return texts


def prompts_of_set(name: str, count: int, shortest: bool = False) -> tuple[tuple[str, ...], PromptFormat]:
    """The first `count` prompts of a built-in set of prompts, or its shortest, and their format."""
    prompt_set = prompt_sets.read(name)
    items = [item for item in prompt_set.items if isinstance(item, str)]
    if shortest:
        items.sort(key=len)
    return tuple(items[:count]), PromptFormat.of_set(prompt_set)


def angles(first: VectorSet, second: VectorSet) -> list[float]:
    """Principal angles between the spans of two sets in degrees, ascending."""
    return [math.degrees(angle) for angle in principal_angles(first.vectors, second.vectors).tolist()]


def balanced(prompt_set: PromptSet, count: int, seed: int) -> tuple[ChoiceItem, ...]:
    """The first `count` items in an order drawn from `seed`, with the answers that show the behaviour in turn. Raises
    InputError when there are fewer.
    """
    items = [item for item in prompt_set.items if isinstance(item, ChoiceItem)]
    random.Random(seed).shuffle(items)
    groups: dict[str, list[ChoiceItem]] = {}
    for item in items:
        groups.setdefault(item.matching.strip(), []).append(item)
    paired = [item for together in zip(*groups.values(), strict=False) for item in together]
    if len(paired) < count:
        raise InputError(f"Expected {count} balanced items in {prompt_set.name}, got {len(paired)}; ask for fewer.")
    return tuple(paired[:count])
