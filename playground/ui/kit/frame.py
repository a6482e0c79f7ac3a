"""Frame that all tabs share: the model, the queue, the library, the visitors, common components."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import gradio as gr

from playground.core.push import Positions
from playground.errors import FileError, ModelError
from playground.library.vector_set import VectorSet, check_fits
from playground.methods.base.registry import registered
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services.jobs import Job, JobContext
from playground.services.session import Workbench
from playground.ui.kit import defaults
from playground.ui.kit.mix import MixRow
from playground.ui.kit.numbered import NEXT_JS
from playground.ui.kit.running import status_line
from playground.ui.kit.visitor import Visitor, Visitors

T = TypeVar("T")


class OpenInSteer(Protocol):
    """Turns to Steer and shows a mix there with the prompt, format, positions, sampling and seed it was seen with."""

    def __call__(
        self,
        visitor: Visitor,
        mix: Sequence[MixRow],
        *,
        prompt: str | None = None,
        format: PromptFormat | None = None,
        positions: Positions | None = None,
        sampling: Sampling | None = None,
        samples: int | None = None,
        answers: tuple[str, str] | None = None,
    ) -> dict[Any, Any]:
        """Updates of the page; what is None stays as it is there. `answers`: the one that shows the effect, and the
        other. Raises FileError for a set that is not there any more or does not fit the loaded model.
        """


@dataclass(frozen=True)
class Steering:
    """What Steer offers the other tabs: `open` a mix there, which writes to `outputs`; the `mix` that stands there."""

    outputs: list[Any]
    open: OpenInSteer
    mix: Callable[[Visitor], tuple[MixRow, ...]]

NOT_SAVED = "(not saved)"
"""The name under which a set that was computed and not yet saved stands in pickers. No file can have it."""

IN_TURN: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 1, "concurrency_id": "notes"}
"""For stars, names and notes: given one right after the other, none may be dropped, and none may undo another."""

BOARD_JS = """
element.addEventListener('click', (event) => {
  const target = event.target.closest('[data-act]');
  if (!target || target.matches('input, textarea')) return;
  const said = { ...target.dataset, word: NEXT };
  if (said.act === 'star') {
    const on = target.getAttribute('aria-pressed') !== 'true';
    for (const star of element.querySelectorAll(`[data-act=star][data-row="${said.row}"]`)) {
      star.setAttribute('aria-pressed', String(on));
      star.textContent = on ? '★' : '☆';
    }
    said.value = String(on);
  }
  trigger('act', said);
});
element.addEventListener('change', (event) => {
  const target = event.target.closest('input[data-act], textarea[data-act]');
  if (!target) return;
  const { act, row } = target.dataset;
  for (const same of element.querySelectorAll(`input[data-act="${act}"][data-row="${row}"]`)) same.value = target.value;
  trigger('act', { ...target.dataset, value: target.value, word: NEXT });
});
""".replace("NEXT", NEXT_JS)


def board(value: str = "", **options: Any) -> gr.HTML:
    """HTML whose elements with `data-act` report clicks (and inputs their new value) through the event `act`."""
    return gr.HTML(value, js_on_load=BOARD_JS, **options)


def acted(event: gr.EventData) -> dict[str, str]:
    """What an `act` event says: the data attributes of what was clicked, as short texts."""
    data = getattr(event, "_data", None)
    if not isinstance(data, dict):
        return {}
    return {str(key)[:40]: str(value)[:20_000] for key, value in data.items()}


@dataclass
class Frame:
    """Built once by the page; the tabs read it when they wire their handlers."""

    workbench: Workbench
    visitors: Visitors = field(default_factory=Visitors)
    status: gr.HTML | None = None
    model_seen: gr.State | None = None
    library_seen: gr.State | None = None
    tabs: gr.Tabs | None = None
    steering: Steering | None = None
    """Set by Steer when it is laid out."""
    opened: list[tuple[Callable[..., Any], list[Any], list[Any]]] = field(default_factory=list)
    """What runs once when the page opens: (handler, inputs, outputs)."""

    @property
    def loaded(self) -> LoadedModel:
        """The model. Raises ModelError while there is none."""
        if self.workbench.loaded is None:
            raise ModelError("Expected a loaded model, got none; open the model strip at the top and load one.")
        return self.workbench.loaded

    @property
    def steer_outputs(self) -> list[Any]:
        """Everything that `open_in_steer` may write to."""
        return self._steering.outputs

    @property
    def open_in_steer(self) -> OpenInSteer:
        return self._steering.open

    def mix_now(self, visitor: Visitor) -> tuple[MixRow, ...]:
        """The mix that stands in Steer."""
        return self._steering.mix(visitor)

    @property
    def _steering(self) -> Steering:
        assert self.steering is not None, "the page has no tab that steers"
        return self.steering

    def start(self, visitor: Visitor, name: str, work: Callable[[LoadedModel, JobContext], T]) -> Job[T]:
        """Queue work on the model that this visitor sees now; it is refused when another one is loaded before."""
        return self.workbench.start(name, work, owner=visitor.session, generation=self.workbench.generation)

    def visitor(self, request: gr.Request) -> Visitor:
        return self.visitors.of(request.session_hash)

    def status_now(self) -> str:
        return status_line(self.workbench.jobs.status())

    def model_token(self) -> str:
        """Changes whenever another model is loaded."""
        return f"{self.workbench.generation} {'' if self.workbench.loaded is None else self.workbench.loaded.summary}"

    def library_token(self, visitor: Visitor) -> str:
        """Changes whenever a set comes, goes, or is changed, by whomever."""
        stamps = []
        for path in sorted(Path(self.workbench.store.folder).glob("*.safetensors")):
            try:
                stamps.append(f"{path.name}:{path.stat().st_mtime_ns}")
            except OSError:  # deleted in between
                continue
        return f"{visitor.found_number} {visitor.saved_as or ''} {' '.join(stamps)}"

    def load_set(self, visitor: Visitor) -> Callable[[str], VectorSet]:
        """Name → set, for this visitor: what they computed, or what the library holds. Checked against the model.

        Every set is read once: ask for a new function with every event.
        """
        known: dict[str, VectorSet] = {}

        def load(name: str) -> VectorSet:
            if name not in known:
                vector_set = self.any_set(visitor, name)
                loaded = self.loaded
                check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
                known[name] = vector_set
            return known[name]

        return load

    def any_set(self, visitor: Visitor, name: str) -> VectorSet:
        """A set by its name, whatever model it belongs to. Only names of the library: never a path from a browser."""
        if name == NOT_SAVED:
            if visitor.found is None:
                raise FileError("Expected the set you computed, got none any more; compute it again or choose another.")
            return visitor.found
        store = self.workbench.store
        if name not in store.names():
            raise FileError(f"Expected a set of the library, got “{name}”, which is not there; choose another one.")
        return store.load(name)

    def continuable(self, name: str) -> list[str]:
        """Names of the sets that a method made on the loaded model and can go on with, the newest first."""
        loaded, method = self.workbench.loaded, registered().get(name)
        if loaded is None or method is None or method.continues is None:
            return []
        same = [entry for entry in self.workbench.store.list() if entry.fingerprint == loaded.fingerprint]
        made = [entry for entry in same if entry.method == name]
        return [entry.name for entry in sorted(made, key=lambda entry: entry.created, reverse=True)]

    def set_choices(self, visitor: Visitor) -> list[str]:
        """Names of the sets that fit the loaded model, what was computed just now first."""
        loaded = self.workbench.loaded
        if loaded is None:
            return []
        entries = [e for e in self.workbench.store.list() if not e.problem and defaults.fits(loaded, e)]
        names = [entry.name for entry in entries]
        found = visitor.found
        if (
            found is not None
            and visitor.saved_as not in names
            and found.origin.width == loaded.width
            and found.origin.source < loaded.block_count
        ):
            names.insert(0, NOT_SAVED)
        return names
