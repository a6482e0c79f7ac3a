"""Objects that all tabs share: model, job queue, library, visitors, common components."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import gradio as gr

from playground.analyses.common.measurements import Measurements
from playground.core.positions import Positions
from playground.errors import FileError, ModelError
from playground.library.store import Store
from playground.library.vector_set import VectorSet, check_fits
from playground.methods.base.registry import registered
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services.jobs import Job, JobContext
from playground.services.link import Link
from playground.services.session import Workbench
from playground.ui.guard import who
from playground.ui.kit import defaults
from playground.ui.kit.event_order import NEXT_JS
from playground.ui.kit.leaving import Leaving
from playground.ui.kit.mix import MixRow
from playground.ui.kit.private import Library, PrivateLibraries
from playground.ui.kit.running import status_line
from playground.ui.kit.runs import Runs
from playground.ui.kit.visitor import Visitor, Visitors

T = TypeVar("T")


class OpenInSteer(Protocol):
    """Show the Steer tab with a mix, and with the prompt, format, positions, sampling and seed of another tab."""

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
        """Updates of the page; what is None stays as it is in Steer. `answers`: the one that shows the effect, then the
        other one. Raises FileError for a set that is not there any more or does not fit the loaded model.
        """


@dataclass(frozen=True)
class Steering:
    """Interface of the Steer tab to the other tabs. `open` shows a mix there and writes to `outputs`; `mix` is the mix
    of a visitor. `fill_in` shows a link there, writes to `link_outputs`, and says what of it is missing; `not_whole` is
    the link of which something was missing when it was opened last.
    """

    outputs: list[Any]
    open: OpenInSteer
    mix: Callable[[Visitor], tuple[MixRow, ...]]
    link_outputs: list[Any]
    fill_in: Callable[[Visitor, Link], tuple[dict[Any, Any], str]]
    not_whole: Callable[[Visitor], Link | None]


@dataclass(frozen=True)
class Discovering:
    """Interface of the Discover tab to the other tabs. `find` shows the tab, computes vectors with the defaults for the
    loaded model, and ends in their gallery; `show` opens vectors that are there, as the ones that were computed last,
    with a prompt format, finds their scales and writes their gallery. Both yield updates of `outputs`, and show errors
    there.
    """

    outputs: list[Any]
    find: Callable[[gr.Request], Iterator[dict[Any, Any]]]
    show: Callable[[gr.Request, VectorSet, PromptFormat], Iterator[dict[Any, Any]]]


NOT_SAVED = "(not saved)"
"""Name of a computed set that is not saved, in pickers. No file can have it."""

IN_TURN: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 1, "concurrency_id": "notes"}
"""Event options for stars, names and notes: none of several in quick succession may be dropped or undo another."""

BOARD_JS = """
element.addEventListener('click', (event) => {
  const target = event.target.closest('[data-act]');
  if (!target || target.matches('input, textarea')) return;
  const data = { ...target.dataset, sequence: NEXT };
  if (data.act === 'star') {
    const on = target.getAttribute('aria-pressed') !== 'true';
    for (const star of element.querySelectorAll(`[data-act=star][data-row="${data.row}"]`)) {
      star.setAttribute('aria-pressed', String(on));
      star.textContent = on ? '★' : '☆';
    }
    data.value = String(on);
  }
  trigger('act', data);
});
element.addEventListener('change', (event) => {
  const target = event.target.closest('input[data-act], textarea[data-act]');
  if (!target) return;
  const { act, row } = target.dataset;
  for (const same of element.querySelectorAll(`input[data-act="${act}"][data-row="${row}"]`)) same.value = target.value;
  trigger('act', { ...target.dataset, value: target.value, sequence: NEXT });
});
""".replace("NEXT", NEXT_JS)


def board(value: str = "", **options: Any) -> gr.HTML:
    """HTML whose elements with `data-act` report clicks (and inputs their new value) through the event `act`."""
    return gr.HTML(value, js_on_load=BOARD_JS, **options)


def acted(event: gr.EventData) -> dict[str, str]:
    """The data of an `act` event of a board: data attributes of the element, as texts of limited length."""
    # Gradio offers single keys only (`event.key`), and the keys are whatever the browser sends.
    data = getattr(event, "_data", None)
    if not isinstance(data, dict):
        return {}
    return {str(key)[:40]: str(value)[:20_000] for key, value in data.items()}


@dataclass(eq=False)
class Frame:
    """Built once by the page, which sets the common components; tabs read them when they build and wire their own."""

    workbench: Workbench
    visitors: Visitors = field(default_factory=Visitors)
    private: PrivateLibraries | None = field(init=False, repr=False)
    """Libraries of visitors who are strangers to one another; None where all share one."""
    _shared: Library = field(init=False, repr=False)
    status: gr.HTML = field(init=False, repr=False)
    model_seen: gr.State = field(init=False, repr=False)
    """The model token that the page shows; its change event refreshes the page."""
    library_seen: gr.State = field(init=False, repr=False)
    """The library token that the page shows; its change event refreshes the pickers."""
    tabs: gr.Tabs = field(init=False, repr=False)
    address: gr.HTML = field(init=False, repr=False)
    """Tells the page's script the link to what Steer shows (ui/address.py)."""
    steering: Steering | None = None
    """Set by Steer when it is laid out."""
    _discovering: Discovering | None = None
    runs: Runs = field(init=False, repr=False)
    kept_outputs: list[Any] = field(default_factory=list)
    """All components that runs which can be kept write to."""
    _kept_sessions: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    """Sessions whose page was closed, and whose runs are kept or wait for a reload."""
    leaving: Leaving = field(init=False, repr=False)
    opening: list[tuple[Callable[..., Any], list[Any], list[Any]]] = field(default_factory=list)
    """Handlers that run once when the page opens, before it accepts input: (handler, inputs, outputs)."""
    opened: list[tuple[Callable[..., Any], list[Any], list[Any]]] = field(default_factory=list)
    """Handlers that run once it does."""

    def __post_init__(self) -> None:
        store = self.workbench.store
        self.private = PrivateLibraries(store.folder) if self.workbench.public else None
        self._shared = Library(store, Measurements(store.folder))
        self.runs = Runs(lambda visitor: self.workbench.jobs.cancel_all(visitor.session))
        self.leaving = Leaving(self.visitors, self.runs, self.workbench.jobs.cancel_all)

    @property
    def loaded(self) -> LoadedModel:
        """The model. Raises ModelError while there is none."""
        if self.workbench.loaded is None:
            raise ModelError("Expected a loaded model, got none; open the model strip at the top and load one.")
        return self.workbench.loaded

    @property
    def steer_outputs(self) -> list[Any]:
        """All components that `open_in_steer` may write to."""
        return self._steering.outputs

    @property
    def open_in_steer(self) -> OpenInSteer:
        """The function that shows a mix in Steer."""
        return self._steering.open

    @property
    def links(self) -> Steering:
        """The part of Steer that shows links."""
        return self._steering

    def mix_now(self, visitor: Visitor) -> tuple[MixRow, ...]:
        """The visitor's mix in Steer."""
        return self._steering.mix(visitor)

    @property
    def discovering(self) -> Discovering:
        """The interface of Discover, once all tabs are laid out."""
        assert self._discovering is not None, "the page has no tab that discovers"
        return self._discovering

    @discovering.setter
    def discovering(self, interface: Discovering) -> None:
        self._discovering = interface

    @property
    def _steering(self) -> Steering:
        assert self.steering is not None, "the page has no tab that steers"
        return self.steering

    def start(self, visitor: Visitor, name: str, work: Callable[[LoadedModel, JobContext], T]) -> Job[T]:
        """Queue work on the model that is loaded now. Raises InputError when the queue is full; the job raises it when
        another model has been loaded before it runs.
        """
        return self.workbench.start(
            name, work, owner=visitor.session, generation=self.workbench.generation, address=visitor.address
        )

    def keepable(
        self, tab: str, label: str, outputs: list[Any]
    ) -> Callable[[Callable[..., Iterator[dict[Any, Any]]]], Callable[..., Iterator[dict[Any, Any]]]]:
        """Decorator of a handler `(request, *values)` that writes to `outputs`: its runs can be kept (kit/runs.py)."""
        self.kept_outputs += [part for part in outputs if part not in self.kept_outputs]
        return self.runs.keepable(tab, label, self.visitor)

    def visitor(self, request: gr.Request) -> Visitor:
        """The visitor who sent a request. Raises InputError for a session that began in another browser."""
        return self.visitors.of(request.session_hash, *who.sender(request))

    def cancel_jobs(self, request: gr.Request) -> None:
        """Cancel all jobs of the visitor: the handler of every Stop button."""
        self.workbench.jobs.cancel_all(self.visitor(request).session)

    def status_now(self, visitor: Visitor | None = None) -> str:
        """The status line as HTML, with the place in the queue of what this visitor has waiting."""
        return status_line(self.workbench.jobs.status(None if visitor is None else visitor.session))

    def model_token(self) -> str:
        """A text that changes whenever another model is loaded."""
        return f"{self.workbench.generation} {'' if self.workbench.loaded is None else self.workbench.loaded.summary}"

    def store(self, visitor: Visitor) -> Store:
        """The vector sets of a visitor: those that all share, and on a public page the visitor's own over them."""
        return self._library(visitor).sets

    def measurements(self, visitor: Visitor) -> Measurements:
        """The measurements that a visitor keeps, as `store`."""
        return self._library(visitor).measurements

    def _library(self, visitor: Visitor) -> Library:
        return self._shared if self.private is None else self.private.of(visitor)

    def leave(self, request: gr.Request) -> None:
        """Forget a visitor who has closed the page."""
        visitor = self.visitor(request)
        session = request.session_hash or ""
        if visitor.browser is None and not visitor.keep:
            self.absent(session)
        else:  # Gradio ends the reading of its runs later
            self._kept_sessions.append(session)
            if not visitor.keep:
                self.leaving.left(visitor)
        if self.private is not None:
            self.private.leave(visitor)
        self.visitors.leave(request.session_hash)

    def absent(self, session: str) -> None:
        """Cancel the jobs of a session that nobody reads, unless its visitor keeps them."""
        visitor = self.visitors.known(session)
        if visitor is None:  # has closed the page already
            if session not in self._kept_sessions:
                self.workbench.jobs.cancel_all(session)
        elif not visitor.keep:
            self.workbench.jobs.cancel_all(visitor.session)

    def library_token(self, visitor: Visitor) -> str:
        """A text that changes whenever a set is added, deleted or changed, by any visitor or program."""
        return f"{visitor.found_number} {visitor.saved_as or ''} {self.store(visitor).stamps()}"

    def load_set(self, visitor: Visitor) -> Callable[[str], VectorSet]:
        """A function from names to sets, the computed one included, that checks each against the loaded model.

        It reads every set once, so make a new one in every event. It raises FileError for a set that is not there or
        does not fit, ModelError while no model is loaded.
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
        """A set by its name, for any model. Raises FileError for a name that is not in the library, a path included."""
        if name == NOT_SAVED:
            if visitor.found is None:
                raise FileError("Expected the set you computed, got none any more; compute it again or choose another.")
            return visitor.found
        store = self.store(visitor)
        if name not in store.names():
            raise FileError(f"Expected a set of the library, got “{name}”, which is not there; choose another one.")
        return store.load(name)

    def continuable(self, visitor: Visitor, name: str) -> list[str]:
        """Names of the sets that a method made on the loaded model and can continue, the newest first."""
        loaded, method = self.workbench.loaded, registered().get(name)
        if loaded is None or method is None or method.continues is None:
            return []
        same = [entry for entry in self.store(visitor).list() if entry.fingerprint == loaded.fingerprint]
        made = [entry for entry in same if entry.method == name]
        return [entry.name for entry in sorted(made, key=lambda entry: entry.created, reverse=True)]

    def set_choices(self, visitor: Visitor) -> list[str]:
        """Names of the sets that fit the loaded model, the computed one first."""
        loaded = self.workbench.loaded
        if loaded is None:
            return []
        entries = [e for e in self.store(visitor).list() if not e.problem and defaults.fits(loaded, e)]
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
