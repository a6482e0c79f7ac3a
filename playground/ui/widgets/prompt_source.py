"""Prompt picker: built-in set, typed text or uploaded file, how many prompts of it, and a preview of these."""

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
from playground.limits import at_most, limits
from playground.methods.base.method import Method
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import PromptFormat
from playground.ui.kit import markup
from playground.ui.kit.entered import whole
from playground.ui.kit.visitor import Slice, Visitor

BUILT_IN, TYPED, UPLOADED = "built-in set", "typed", "file"
KINDS = (BUILT_IN, TYPED, UPLOADED)
FIRST, DRAWN, BALANCED = "the first", "drawn", "drawn, letters alike"
ORDERS = (FIRST, DRAWN, BALANCED)
"""Ways to choose items of a set."""
AGAINST = "against"
"""The place of the second list of a mean difference."""
WAIT = "The prompts that will be used are listed here."
USE = 8
"""Default number of prompts: enough for a direction that holds across prompts, few enough to take a second."""


@dataclass
class Uploads(Slice):
    """Prompts from uploaded files, by the place on the page where they were uploaded."""

    sets: dict[str, PromptSet] = field(default_factory=dict)
    lists: dict[str, dict[str, PromptSet]] = field(default_factory=dict)
    """The lists of a file with several of them, by name."""

    def forget(self, place: str) -> None:
        """Drop the uploads of a place."""
        self.sets.pop(place, None)
        self.lists.pop(place, None)


@dataclass(frozen=True)
class PromptChoice:
    """Values of the controls, in their order."""

    kind: str
    set_name: str | None
    typed: str | None
    use: float | None
    order: str = FIRST
    draw_seed: float | None = 0
    category: str | None = None
    place: str = "discover"
    """The name of the picker on the page, the key of its uploads."""

    @property
    def sample_seed(self) -> int | None:
        """The seed of the drawn items, None for the first ones. Raises InputError for another order or a wrong seed."""
        if self.order not in ORDERS:
            raise InputError(f"Expected which items to use, got “{self.order}”; choose {', '.join(ORDERS)}.")
        return None if self.order == FIRST else whole(self.draw_seed, "seed of the items", least=0)

    @property
    def balance(self) -> bool:
        """Whether the items are balanced over the answer letters."""
        return self.order == BALANCED

    def available(self, of: PromptSet) -> int:
        """The number of items of a set that can be used. Raises InputError for a set that cannot be balanced."""
        return len(prompt_sets.places(of, None, balance=True)) if self.balance else len(of.items)

    def whole(self, visitor: Visitor) -> PromptSet:
        """All prompts of the source. Raises PlaygroundError when there are none."""
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
        """The prompts that will be used: `use` of the source, the first or drawn ones. Raises PlaygroundError when
        there are none.
        """
        source = self.whole(visitor)
        total = self.available(source)
        count = total if self.use is None else whole(self.use, "number of prompts")
        return prompt_sets.select(source, min(max(count, 1), total), self.sample_seed, self.balance)


def against_of(method: Method, prompts: PromptSet, choice: PromptChoice, visitor: Visitor) -> PromptSet | None:
    """The second list of prompts, None unless the method needs one and `prompts` have one side only.

    Raises PlaygroundError when it is needed and empty.
    """
    return choice.chosen(visitor) if method.reads.sides > 1 and prompts.one_sided else None


@dataclass
class PromptSource:
    """The components, and their updates."""

    kind: gr.Radio
    set_name: gr.Dropdown
    typed: gr.Textbox
    upload: gr.File
    use: gr.Slider
    order: gr.Radio
    draw_seed: gr.Number
    category: gr.Dropdown
    preview: gr.HTML
    folded: gr.Accordion
    """Which of the prompts, and their list; tabs add the format."""

    @property
    def inputs(self) -> list[Any]:
        """The components whose values are the first fields of PromptChoice."""
        return [self.kind, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category]

    @property
    def changes(self) -> list[Any]:
        """Events that change the prompts."""
        return [part.change for part in self.inputs]

    @property
    def outputs(self) -> list[Any]:
        """All components that `updates` and `take_upload` may write to."""
        return [
            self.kind, self.set_name, self.typed, self.upload, self.use, self.order, self.draw_seed, self.category,
            self.preview, self.folded,
        ]  # fmt: skip

    def take_upload(self, visitor: Visitor, place: str, path: str | None) -> dict[Any, Any]:
        """Read an uploaded file (None: remove it) into the visitor's Uploads, in place of the one before.

        Returns updates with the error for a file that cannot be read, and no updates otherwise.
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
            return {
                self.preview: markup.notice(str(error)),
                self.use: gr.update(visible=False),
                self.folded: gr.update(open=True),
            }
        return {}

    def updates(self, choice: PromptChoice, visitor: Visitor, use: int | None = None) -> dict[Any, Any]:
        """Updates of the controls for a choice; `use` sets the number of prompts, None keeps it, within the limits."""
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
            wanted = use if use is not None else whole(choice.use or 1, "number of prompts")
            count = min(max(wanted, 1), total)
            used = prompt_sets.select(source, count, choice.sample_seed, choice.balance)
        except PlaygroundError as error:
            waits = choice.kind == UPLOADED or (choice.kind == TYPED and not (choice.typed or "").strip())
            shown[self.preview] = markup.empty(WAIT) if waits else markup.notice(str(error), "warning")
            shown |= {} if waits else {self.folded: gr.update(open=True)}
            shown[self.use] = gr.update(visible=False)
            return shown
        shown[self.use] = gr.update(
            maximum=max(total, 2), visible=total > 1, label=use_label(source, choice.order, total)
        )
        # The value only where it changes: a late response must not undo a later move of the slider.
        shown[self.use] |= {} if count == choice.use else {"value": count}
        shown[self.preview] = markup.prompt_preview(
            used.texts(), len(source.texts()), source.title, notes=source.notes
        )
        return shown

    def _categories(self, choice: PromptChoice, visitor: Visitor) -> Any:
        """Update of the picker for the lists of an uploaded file with several of them; hidden without any."""
        names = list(Uploads.of(visitor).lists.get(choice.place, {})) if choice.kind == UPLOADED else []
        if not names:
            return gr.update(visible=False)
        chosen = {} if choice.category in names else {"value": names[0]}
        return gr.update(choices=names, visible=True, **chosen)


def default_set(loaded: LoadedModel | None) -> str | None:
    """Name of the default set: prompts that a model may refuse or answer, if possible written for it."""
    sets, names = prompt_sets.built_in(), set_names(loaded)
    one_sided = [name for name in names if sets[name].one_sided]
    return next((name for name in one_sided if "refus" in name), next(iter(one_sided or names), None))


def default_prompts(loaded: LoadedModel | None) -> PromptSet | None:
    """The first USE items of the default set; None without sets."""
    name = default_set(loaded)
    if name is None:
        return None
    whole = prompt_sets.built_in()[name]
    return prompt_sets.select(whole, min(USE, len(whole.items)))


def default_contrast(loaded: LoadedModel | None) -> str | None:
    """Name of the default set of a mean difference, one with both sides; None without such a set."""
    sets = prompt_sets.built_in()
    names = [name for name in set_names(loaded) if sets[name].kind == "contrast"]
    own = [name for name in names if sets[name].for_model == sets[names[0]].for_model]  # the model's own stand first
    return next((name for name in own if "refus" in name), next(iter(own), None))


def default_other(loaded: LoadedModel | None) -> str | None:
    """Name of the default second list: the first one-sided set other than the default set; None without such a set."""
    sets, usual = prompt_sets.built_in(), default_set(loaded)
    return next((name for name in set_names(loaded) if sets[name].one_sided and name != usual), None)


def set_names(loaded: LoadedModel | None) -> list[str]:
    """Names of the built-in sets for the loaded model. Those of the organism come first for it, and not for others."""
    sets = prompt_sets.built_in()
    if loaded is not None and is_organism(loaded):
        return sorted(sets, key=lambda name: (sets[name].for_model != "organism", name))
    return sorted(name for name, prompt_set in sets.items() if prompt_set.for_model == "any")


def use_label(whole: PromptSet, order: str, total: int) -> str:
    """Label of the slider over the `total` items of a set, which are pairs of prompts if it has two sides."""
    which = "the first … of" if order == FIRST else "… of"
    return f"Use {which} {total}" + (" pairs" if whole.kind == "contrast" else "")


def kinds(typed: bool) -> list[str]:
    """The kinds of source, with or without typed prompts."""
    return [kind for kind in KINDS if typed or kind != TYPED]


def build(
    loaded: LoadedModel | None,
    place: str = "discover",
    label: str = "Prompts",
    names: Sequence[str] | None = None,
    typed: bool = True,
    use: int = USE,
    more: str = "Which of them, and format",
) -> PromptSource:
    """The components, filled in for this model; `place` is the prefix of their ids.

    `names` are the built-in sets to choose from, the default one first (None: all). Without `typed` prompts cannot be
    typed. `use` is the default number of items, `more` the title of what is folded.
    """
    if names is None:
        names, chosen = set_names(loaded), default_other(loaded) if place == AGAINST else default_set(loaded)
    else:
        chosen = next(iter(names), None)
    kind = gr.Radio(
        kinds(typed), value=BUILT_IN, label=label, elem_id=f"{place}-prompts", elem_classes="sp-inline",
    )
    set_name = gr.Dropdown(
        list(names), value=chosen, label="Prompt set", show_label=False, elem_id=f"{place}-set", elem_classes="sp-bare"
    )
    typed_box = gr.Textbox(
        label="Typed prompts", lines=4, max_lines=12, visible=False, elem_id=f"{place}-typed",
        info="One a line; with blank lines between them, one a block. Each "
        f"{at_most(limits().prompt_characters)} characters.", placeholder="How can I …",
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
        elem_classes="sp-slim",
    )
    category = gr.Dropdown([], label="List of the file", visible=False, elem_id=f"{place}-category")
    with gr.Accordion(more, open=False, elem_id=f"{place}-which", elem_classes="sp-fold") as folded:
        order = gr.Radio(
            list(ORDERS), value=FIRST, label="Which", elem_id=f"{place}-order",
            info="Drawn ones speak for the whole set; letters alike where answers are (A) and (B).",
        )
        draw_seed = gr.Number(
            0, label="Seed of the items", precision=0, minimum=0, visible=False, elem_id=f"{place}-draw-seed"
        )
        shown = gr.HTML(preview, elem_id=f"{place}-preview")
    return PromptSource(kind, set_name, typed_box, upload, slider, order, draw_seed, category, shown, folded)


def build_format(place: str, chosen: PromptSet | None) -> tuple[gr.Radio, gr.Textbox]:
    """Format and system prompt, filled in for a prompt set; to stand in what the picker has folded."""
    with gr.Row(elem_classes="sp-tight"):
        mode = gr.Radio(
            ["chat", "raw"], value="chat" if chosen is None or chosen.chat else "raw", label="Format",
            elem_id=f"{place}-mode", min_width=130, info="chat: the model's template",
        )
        system = gr.Textbox(
            "" if chosen is None else chosen.system or "", label="System prompt", lines=1, max_lines=4,
            elem_id=f"{place}-system", min_width=160, scale=2, info="Left empty: the template's own.",
        )
    return mode, system


def prompt_format(mode: str, system: str | None) -> PromptFormat:
    """The format that these values of the controls make; plain text has no system prompt."""
    chat = mode == "chat"
    return PromptFormat(chat=chat, system=(system or "").strip() or None if chat else None)


def format_of_set(name: str | None, mode: gr.Radio, system: gr.Textbox) -> dict[Any, Any]:
    """Updates of format and system prompt to those of a built-in prompt set."""
    sets = prompt_sets.built_in()
    if name not in sets:
        return {mode: gr.skip()}
    return {mode: "chat" if sets[name].chat else "raw", system: sets[name].system or ""}
