"""Values of the Discover tab's controls, and the request that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.recipe import format as format_recipe
from playground.model.prompting import PromptFormat
from playground.services.find import FindRequest
from playground.services.find.sides import sides
from playground.ui import mixer
from playground.ui.discover_melbo import MelboOptions
from playground.ui.discover_method import COUNTED, LAST_TOKENS, LAYERED, MAY_READ_ALL, METHODS
from playground.ui.discover_ortho import PICKED, OrthoOptions
from playground.ui.discover_power import PowerOptions
from playground.ui.entered import whole
from playground.ui.mixer import MixRow
from playground.ui.prompt_source import AGAINST, PromptChoice
from playground.ui.vector_picker import Load


@dataclass(frozen=True)
class Common:
    """The controls every method has, in the order in which the page sends them."""

    method: str
    kind: str
    set_name: str | None
    typed: str | None
    use: float | None
    order: str
    draw_seed: float | None
    category: str | None
    other_kind: str
    other_set: str | None
    other_typed: str | None
    other_use: float | None
    other_order: str
    other_draw_seed: float | None
    other_category: str | None
    mode: str
    system: str | None
    source: float
    target: float
    vectors: float
    tokens: float
    all_tokens: bool
    seed: float
    find_scales: bool
    looks: float
    read_sinks: bool


@dataclass(frozen=True)
class DiscoverForm(Common):
    """Everything the tab says, the mix in Steer included."""

    power: PowerOptions
    melbo: MelboOptions
    ortho: OrthoOptions
    mix: tuple[MixRow, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Any], mix: tuple[MixRow, ...] = ()) -> DiscoverForm:
        """From the values of the page, the common ones and one method's after the other, and the mix in Steer."""
        counts = (len(fields(Common)), len(fields(PowerOptions)), len(fields(MelboOptions)))
        ortho_count = len(fields(OrthoOptions)) - 1 + PICKED  # the pick is one field and several values
        parts, start = [], 0
        for count in (*counts, ortho_count):
            parts.append(values[start : start + count])
            start += count
        common, power, melbo, ortho = parts
        return cls(
            *common,
            PowerOptions(*power),
            MelboOptions(*melbo),
            OrthoOptions.of(ortho),
            mix,
        )

    @property
    def found_by(self) -> str:
        """The method as requests call it. Raises InputError."""
        if self.method not in METHODS:
            raise InputError(f"Expected a method, got “{self.method}”; choose {' or '.join(METHODS)}.")
        return METHODS[self.method]

    @property
    def choice(self) -> PromptChoice:
        return PromptChoice(self.kind, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category)

    @property
    def other_choice(self) -> PromptChoice:
        return PromptChoice(
            self.other_kind, self.other_set, self.other_typed, self.other_use, self.other_order, self.other_draw_seed,
            self.other_category, AGAINST,
        )  # fmt: skip

    @property
    def format(self) -> PromptFormat:
        chat = self.mode == "chat"
        return PromptFormat(chat=chat, system=(self.system or "").strip() or None if chat else None)

    @property
    def first_look(self) -> tuple[bool, int]:
        """(whether to find scales, vectors to look at then). Raises InputError."""
        return bool(self.find_scales), whole(self.looks, "first look", least=0)

    def request(self, prompts: PromptSet, against: PromptSet | None, load: Load) -> FindRequest:
        """What to find. Raises PlaygroundError for values that are wrong whatever the model."""
        method = self.found_by
        options: dict[str, Any] = {"prompts": prompts.texts()}
        if method in LAYERED:
            options["target"] = whole(self.target, "target")
        else:
            options["target"] = None
        if method in COUNTED:
            options["vectors"] = whole(self.vectors, "vectors")
        if method in LAST_TOKENS:
            options["target_tokens"] = None if self.all_tokens else whole(self.tokens, "last tokens")
        if method in MAY_READ_ALL:
            options["read_sinks"] = bool(self.read_sinks)
        if method == "power":
            options |= self.power.fields(self._recipe(load))
        elif method == "melbo":
            options |= self.melbo.fields()
        elif method == "ortho":
            options |= self.ortho.fields(self._recipe(load), load)
        elif method == "difference":
            options |= sides(prompts, against)
        return FindRequest(
            method=method,
            format=self.format,
            source=whole(self.source, "source"),
            seed=whole(self.seed, "seed"),
            prompt_set=prompts.name,
            sample_seed=self.choice.sample_seed,
            balance=self.choice.balance,
            **options,
        )

    def _recipe(self, load: Load) -> str:
        """The mix in Steer as text; empty when it adds nothing."""
        return format_recipe(mixer.recipe_of(self.mix, load))
