"""Values of the Discover tab's controls, and the request that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.recipe import format as format_recipe
from playground.library.vector_set import VectorSet
from playground.methods.base.method import Method
from playground.methods.base.registry import registered
from playground.methods.base.request import FindRequest, find_request
from playground.model.prompting import PromptFormat
from playground.services.find.continuing import continued
from playground.services.find.sides import sides
from playground.services.scales import ScalesRequest
from playground.ui.discover.settings import Given, MethodControls
from playground.ui.kit.entered import whole
from playground.ui.kit.mix import MixRow, recipe_of
from playground.ui.kit.pick import Load
from playground.ui.widgets.prompt_source import AGAINST, PromptChoice, prompt_format

After = tuple[ScalesRequest | None, bool]
"""The search for scales (None: no), and whether the gallery is written."""


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
    write_gallery: bool
    read_sinks: bool
    continued: str | None


@dataclass(frozen=True)
class DiscoverForm(Common):
    """Values of all controls of the tab, and the mix in Steer."""

    controls: tuple[MethodControls, ...]
    settings: tuple[Any, ...]
    """Values of the controls of all methods, method by method."""
    mix: tuple[MixRow, ...] = ()

    @classmethod
    def of(
        cls, values: Sequence[Any], controls: Sequence[MethodControls], mix: tuple[MixRow, ...] = ()
    ) -> DiscoverForm:
        """The form from the values of the page, the common ones and then method by method, and the mix in Steer."""
        count = len(fields(Common))
        common = vars(Common(*values[:count]))
        return cls(**common, controls=tuple(controls), settings=tuple(values[count:]), mix=mix)

    @property
    def by(self) -> Method:
        """The chosen method. Raises InputError for a label of none."""
        for method in registered().values():
            if method.label == self.method:
                return method
        labels = " or ".join(method.label for method in registered().values())
        raise InputError(f"Expected a method, got “{self.method}”; choose {labels}.")

    @property
    def choice(self) -> PromptChoice:
        """The choice of prompts."""
        return PromptChoice(self.kind, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category)

    @property
    def other_choice(self) -> PromptChoice:
        """The choice of the second list of prompts."""
        return PromptChoice(
            self.other_kind, self.other_set, self.other_typed, self.other_use, self.other_order, self.other_draw_seed,
            self.other_category, AGAINST,
        )  # fmt: skip

    @property
    def format(self) -> PromptFormat:
        """The prompt format."""
        return prompt_format(self.mode, self.system)

    @property
    def after(self) -> After:
        """What comes after the vectors."""
        return ScalesRequest() if self.find_scales else None, bool(self.write_gallery)

    def request(self, prompts: PromptSet, against: PromptSet | None, load: Load) -> FindRequest:
        """The request. Raises PlaygroundError for values that are wrong for every model."""
        method = self.by
        options: dict[str, Any] = {"prompts": prompts.texts()}
        options["target"] = whole(self.target, "target") if method.reads.target else None
        if method.count is not None:
            options["vectors"] = whole(self.vectors, "vectors")
        if method.reads.tokens is not None:
            options["target_tokens"] = None if self.all_tokens else whole(self.tokens, "last tokens")
            options["read_sinks"] = bool(self.read_sinks)
        if method.reads.sides > 1:
            options |= sides(prompts, against)
        return find_request(
            method.name,
            format=self.format,
            source=whole(self.source, "source"),
            seed=whole(self.seed, "seed"),
            prompt_set=prompts.name,
            sample_seed=self.choice.sample_seed,
            balance=self.choice.balance,
            **options,
            **self._settings(method, load),
        )

    def continuing(self, so_far: VectorSet, load: Load) -> FindRequest:
        """The request that continues a set by the number of vectors in the form; prompts, layers and all settings that
        may not change are those of the set. Raises InputError.
        """
        method = registered().get(so_far.origin.method)
        changes: dict[str, Any] = {}
        if method is not None and method.continues is not None:
            changes = self._settings(method, load, method.continues.may_change)
        return continued(so_far, so_far.rows + whole(self.vectors, "vectors", least=1), **changes)

    def _settings(self, method: Method, load: Load, only: Sequence[str] | None = None) -> dict[str, Any]:
        values = self.settings
        for controls in self.controls:
            own, values = values[: len(controls.inputs)], values[len(controls.inputs) :]
            if controls.method is method:
                return controls.read(own, Given(format_recipe(recipe_of(self.mix, load)), load), only)
        return {}
