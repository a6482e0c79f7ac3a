"""Values of the Atlas tab's controls, and the request that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.model.load import LoadedModel
from playground.services.atlas import AtlasRequest, atlas_request
from playground.ui.kit.entered import whole
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.prompt_source import PromptChoice, prompt_format

PLACE = "atlas"
"""The name of the tab's prompt source on the page."""


@dataclass(frozen=True)
class AtlasForm:
    """Values of all controls: those of the prompt source, then the others in the order in which the page sends them."""

    choice: PromptChoice
    mode: str
    system: str | None
    vectors: float
    tokens: float
    step: float

    @classmethod
    def of(cls, values: Sequence[Any]) -> AtlasForm:
        kind, set_name, typed, use, order, draw_seed, category, *others = values
        choice = PromptChoice(kind, set_name, typed, use, order, draw_seed, category, PLACE)
        return cls(choice, *others)

    def request(self, loaded: LoadedModel, visitor: Visitor) -> AtlasRequest:
        """Raises PlaygroundError for values that make none."""
        prompts = self.choice.chosen(visitor)
        return atlas_request(
            loaded,
            prompts=prompts.texts(),
            prompt_set=prompts.name,
            format=prompt_format(self.mode, self.system),
            vectors=whole(self.vectors, "vectors of each pair"),
            target_tokens=whole(self.tokens, "last tokens"),
            sample_seed=self.choice.sample_seed,
            balance=self.choice.balance,
            step=whole(self.step, "step between layers"),
        )
