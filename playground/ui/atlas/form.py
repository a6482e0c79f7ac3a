"""Values of the Atlas tab's controls, and the request that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services.atlas import AtlasRequest, atlas_request
from playground.ui.kit.entered import whole
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.prompt_source import PromptChoice


@dataclass(frozen=True)
class AtlasForm:
    """Values of all controls, in the order in which the page sends them."""

    kind: str
    set_name: str | None
    typed: str | None
    use: float | None
    order: str
    draw_seed: float | None
    category: str | None
    mode: str
    system: str | None
    vectors: float
    tokens: float
    step: float

    @classmethod
    def of(cls, values: Sequence[object]) -> AtlasForm:
        return cls(*values)  # type: ignore[arg-type]

    @property
    def choice(self) -> PromptChoice:
        return PromptChoice(
            self.kind, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category, "atlas"
        )

    def request(self, loaded: LoadedModel, visitor: Visitor) -> AtlasRequest:
        """Raises PlaygroundError for values that make none."""
        prompts = self.choice.chosen(visitor)
        return atlas_request(
            loaded,
            prompts=prompts.texts(),
            prompt_set=prompts.name,
            format=PromptFormat(chat=self.mode == "chat", system=(self.system or "").strip() or None),
            vectors=whole(self.vectors, "vectors of each pair"),
            target_tokens=whole(self.tokens, "last tokens"),
            sample_seed=self.choice.sample_seed,
            balance=self.choice.balance,
            step=whole(self.step, "step between layers"),
        )
