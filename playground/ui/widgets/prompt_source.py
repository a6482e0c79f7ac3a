"""Choosing prompts: a built-in set, typed text, or a file; how many of them; and a preview of exactly those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library import prompts as prompt_sets
from playground.library.formats.registry import formats
from playground.library.prompt_files import categories, read_file
from playground.library.prompts import PromptSet
from playground.methods.base.method import Method
from playground.model.load import LoadedModel, is_organism
from playground.ui.kit import markup
from playground.ui.kit.entered import whole
from playground.ui.kit.visitor import Slice, Visitor

BUILT_IN, TYPED, UPLOADED = "built-in set", "typed", "file"
KINDS = (BUILT_IN, TYPED, UPLOADED)
FIRST, DRAWN, BALANCED = "the first", "drawn", "drawn, letters alike"
ORDERS = (FIRST, DRAWN, BALANCED)
"""Which items of a set are used."""
AGAINST = "against"
"""The place of the other side of a mean difference."""
WAIT = "The prompts that will be used are listed here."
USE = 8
"""Prompts used to begin with: enough for an axis that holds across prompts, few enough to take a second."""


@dataclass
class Uploads(Slice):
    """Prompts from files, by the place on the page they were given to."""

    sets: dict[str, PromptSet] = field(default_factory=dict)
    lists: dict[str, dict[str, PromptSet]] = field(default_factory=dict)
    """Of files that hold several lists, each by its name."""

    def forget(self, place: str) -> None:
        """Drop what was given to a place."""
        self.sets.pop(place, None)
        self.lists.pop(place, None)


@dataclass(frozen=True)
class PromptChoice:
    """What the controls say, in their order."""

    kind: str
    set_name: str | None
    typed: str | None
    use: float | None
    order: str = FIRST
    draw_seed: float | None = 0
    category: str | None = None
    place: str = "discover"
    """The name of the source on the page, under which its upload is kept."""

    @property
    def sample_seed(self) -> int | None:
        """The seed that draws the items, None for the first ones. Raises InputError."""
        if self.order not in ORDERS:
            raise InputError(f"Expected which items to use, got “{self.order}”; choose {', '.join(ORDERS)}.")
        return None if self.order == FIRST else whole(self.draw_seed, "seed of the items", least=0)

    @property
    def balance(self) -> bool:
        """Whether answer letters are alike among the items."""
        return self.order == BALANCED

    def available(self, of: PromptSet) -> int:
        """How many items of a set there are to use. Raises InputError for a balance that it cannot have."""
        return len(prompt_sets.places(of, None, balance=True)) if self.balance else len(of.items)

    def whole(self, visitor: Visitor) -> PromptSet:
        """Every prompt of the source. Raises PlaygroundError when there is none."""
        if self.kind == BUILT_IN:
            sets = prompt_sets.built_in()
            if self.set_name not in sets:
                raise InputError(
                    f"Expected a built-in prompt set, got “{self.set_name or 'none'}”; choose one of the list."
                )
            return sets[self.set_name]
        if self.kind == TYPED:
            return prompt_sets.from_text(self.typed or "")
        if self.kind == UPLOADED:
            uploads = Uploads.of(visitor)
            if self.place not in uploads.sets:
                raise InputError("Expected a file of prompts, got none; upload a txt, json, jsonl or csv file.")
            lists = uploads.lists.get(self.place, {})
            return lists.get(self.category or "", uploads.sets[self.place])
        raise InputError(f"Expected a prompt source, got “{self.kind}”; choose one of {', '.join(KINDS)}.")

    def chosen(self, visitor: Visitor) -> PromptSet:
        """The prompts that will be used: `use` of the source, the first or drawn ones. Raises PlaygroundError."""
        source = self.whole(visitor)
        total = self.available(source)
        count = total if self.use is None else int(self.use)
        return prompt_sets.select(source, min(max(count, 1), total), self.sample_seed, self.balance)


def against_of(method: Method, prompts: PromptSet, choice: PromptChoice, visitor: Visitor) -> PromptSet | None:
    """The second list of prompts, where the method needs one and the prompts have one side only."""
    return choice.chosen(visitor) if method.reads.sides > 1 and prompts.one_sided else None


@dataclass
class PromptSource:
    """The components, and how to read them."""

    kind: gr.Radio
    set_name: gr.Dropdown
    typed: gr.Textbox
    upload: gr.File
    use: gr.Slider
    order: gr.Radio
    draw_seed: gr.Number
    category: gr.Dropdown
    preview: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.kind, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category]

    @property
    def changes(self) -> list[Any]:
        """Events after which other prompts are used."""
        return [part.change for part in self.inputs]

    @property
    def outputs(self) -> list[Any]:
        return [
            self.kind, self.set_name, self.typed, self.upload, self.use, self.order, self.draw_seed, self.category,
            self.preview,
        ]  # fmt: skip

    def take_upload(self, visitor: Visitor, place: str, path: str | None) -> dict[Any, Any]:
        """Keep the prompts of an uploaded file for the visitor in the place of those before (None: none). Gives the
        updates that say what is wrong with a file that cannot be read, and nothing otherwise.
        """
        uploads = Uploads.of(visitor)
        uploads.forget(place)
        try:
            names = categories(Path(path)) if path else ()
            if len(names) > 1:
                lists = {name: read_file(Path(path or ""), name) for name in names}
                uploads.lists[place], uploads.sets[place] = lists, lists[names[0]]
            elif path:
                uploads.sets[place] = prompt_sets.read(Path(path))
        except PlaygroundError as error:
            return {self.preview: markup.notice(str(error)), self.use: gr.update(visible=False)}
        return {}

    def updates(self, choice: PromptChoice, visitor: Visitor, use: int | None = None) -> dict[Any, Any]:
        """What the controls show for a choice; `use` sets how many, None leaves it where it is as far as possible."""
        shown: dict[Any, Any] = {
            self.set_name: gr.update(visible=choice.kind == BUILT_IN),
            self.typed: gr.update(visible=choice.kind == TYPED),
            self.upload: gr.update(visible=choice.kind == UPLOADED),
            self.draw_seed: gr.update(visible=choice.order != FIRST),
            self.category: self._categories(choice, visitor),
        }
        try:
            source = choice.whole(visitor)
            total = choice.available(source)
            count = min(max(int(use if use is not None else choice.use or 1), 1), total)
            used = prompt_sets.select(source, count, choice.sample_seed, choice.balance)
        except PlaygroundError as error:
            waits = choice.kind == UPLOADED or (choice.kind == TYPED and not (choice.typed or "").strip())
            said = WAIT if waits else str(error)
            shown[self.preview] = markup.empty(said) if waits else markup.notice(said, "warning")
            shown[self.use] = gr.update(visible=False)
            return shown
        # Its value only where it changes: an answer that comes late must not take back what was moved since.
        moved = {} if count == choice.use else {"value": count}
        shown[self.use] = gr.update(
            maximum=max(total, 2), visible=total > 1, label=use_label(source, choice.order, total), **moved
        )
        shown[self.preview] = markup.prompt_preview(
            used.texts(), len(source.texts()), source.title, notes=source.notes
        )
        return shown

    def _categories(self, choice: PromptChoice, visitor: Visitor) -> Any:
        """The lists of an uploaded file that holds several by name."""
        names = list(Uploads.of(visitor).lists.get(choice.place, {})) if choice.kind == UPLOADED else []
        if not names:
            return gr.update(visible=False)
        chosen = {} if choice.category in names else {"value": names[0]}
        return gr.update(choices=names, visible=True, **chosen)


def default_set(loaded: LoadedModel | None) -> str | None:
    """The set to begin with: prompts that may be refused or not, in the language of the loaded model."""
    sets, names = prompt_sets.built_in(), set_names(loaded)
    one_sided = [name for name in names if sets[name].one_sided]
    return next((name for name in one_sided if "refus" in name), next(iter(one_sided or names), None))


def default_prompts(loaded: LoadedModel | None) -> PromptSet | None:
    """The part of the default set that is used to begin with."""
    name = default_set(loaded)
    if name is None:
        return None
    whole = prompt_sets.built_in()[name]
    return prompt_sets.select(whole, min(USE, len(whole.items)))


def default_contrast(loaded: LoadedModel | None) -> str | None:
    """The set to begin a mean difference with: it brings both sides along."""
    sets = prompt_sets.built_in()
    names = [name for name in set_names(loaded) if sets[name].kind == "contrast"]
    own = [name for name in names if sets[name].for_model == sets[names[0]].for_model]  # the model's own stand first
    return next((name for name in own if "refus" in name), next(iter(own), None))


def default_other(loaded: LoadedModel | None) -> str | None:
    """The list to stand against the default set: anything but that."""
    sets, usual = prompt_sets.built_in(), default_set(loaded)
    return next((name for name in set_names(loaded) if sets[name].one_sided and name != usual), None)


def set_names(loaded: LoadedModel | None) -> list[str]:
    """Built-in sets that suit the loaded model: for the organism its own first, for any other model none of those."""
    sets = prompt_sets.built_in()
    if loaded is not None and is_organism(loaded):
        return sorted(sets, key=lambda name: (sets[name].for_model != "organism", name))
    return sorted(name for name, prompt_set in sets.items() if prompt_set.for_model == "any")


def use_label(whole: PromptSet, order: str, total: int) -> str:
    """What the slider counts: `total` items of a set, which are pairs of prompts where it has two sides."""
    which = "the first … of" if order == FIRST else "… of"
    return f"Use {which} {total}" + (" pairs" if whole.kind == "contrast" else "")


def kinds(typed: bool) -> list[str]:
    """Where prompts may come from, with or without typing them."""
    return [kind for kind in KINDS if typed or kind != TYPED]


def build(
    loaded: LoadedModel | None,
    place: str = "discover",
    label: str = "Prompts",
    info: str = "what the directions are found on",
    how_many: str = "Several give an axis that holds across prompts; one is quickest.",
    names: Sequence[str] | None = None,
    typed: bool = True,
    use: int = USE,
) -> PromptSource:
    """The components, filled in for this model; `place` stands before their ids.

    `names` are the built-in sets to choose from, the usual one first (None: all). Without `typed` nothing can be typed;
    `use` items of a set are used to begin with.
    """
    if names is None:
        names, chosen = set_names(loaded), default_other(loaded) if place == AGAINST else default_set(loaded)
    else:
        chosen = next(iter(names), None)
    kind = gr.Radio(
        kinds(typed), value=BUILT_IN, label=label, elem_id=f"{place}-prompts",
        info=info,
    )
    set_name = gr.Dropdown(
        list(names), value=chosen, label="Prompt set", elem_id=f"{place}-set",
        info="Sets where the model could go either way show most.",
    )
    typed_box = gr.Textbox(
        label="Typed prompts", lines=4, max_lines=12, visible=False, elem_id=f"{place}-typed",
        info="One a line; with blank lines between them, one a block.", placeholder="How can I …",
    )
    upload = gr.File(
        label="Prompt file: txt, json, jsonl or csv", file_types=list(formats("prompts")), visible=False,
        elem_id=f"{place}-upload", height=110,
    )
    total, count, label_of_use, preview = 1, 1, "", markup.empty(WAIT)
    if chosen is not None:
        prompt_set = prompt_sets.built_in()[chosen]
        total = len(prompt_set.items)
        count, label_of_use = min(use, total), use_label(prompt_set, FIRST, total)
        used = prompt_sets.select(prompt_set, count)
        preview = markup.prompt_preview(used.texts(), len(prompt_set.texts()), prompt_set.title)
    slider = gr.Slider(
        1, max(total, 2), count, step=1, label=label_of_use, elem_id=f"{place}-use",
        buttons=[],
        info=how_many,
    )
    order = gr.Radio(
        list(ORDERS), value=FIRST, label="Which", elem_id=f"{place}-order",
        info="Drawn ones speak for the whole set; letters alike where answers are (A) and (B).",
    )
    draw_seed = gr.Number(
        0, label="Seed of the items", precision=0, minimum=0, visible=False, elem_id=f"{place}-draw-seed"
    )
    category = gr.Dropdown([], label="List of the file", visible=False, elem_id=f"{place}-category")
    parts = (kind, set_name, typed_box, upload, slider, order, draw_seed, category)
    return PromptSource(*parts, gr.HTML(preview, elem_id=f"{place}-preview"))
