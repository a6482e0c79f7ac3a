"""Workbench shared by all visitors of a process: the loaded model, its worker, and the library of sets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from playground.errors import Cancelled, InputError, ModelError, PlaygroundError
from playground.library.store import Store
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel, load
from playground.services import estimates
from playground.services.jobs import Job, JobContext, Jobs
from playground.services.model_choices import ModelChoices, model_choices

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class LoadProgress:
    """Stage of loading, and the part of it that is done (0..1)."""

    stage: str
    share: float


class Workbench:
    """One model at a time. `generation` counts the models: it is stored with whatever belongs to a model, and compared
    when that is used. `models` is a folder of models to choose from. `public`: visitors are strangers to one another.
    """

    def __init__(
        self,
        store: Store | None = None,
        jobs: Jobs | None = None,
        models: Path | None = None,
        public: bool = False,
    ):
        self.public = public
        self.store = store if store is not None else Store()
        self.jobs = jobs if jobs is not None else Jobs()
        self.models = None if models is None else models.expanduser()
        self.loaded: LoadedModel | None = None
        self.generation = 0
        self._settings: tuple[str | None, str, str] = (None, "auto", "auto")  # what `loaded` was asked for with

    def load_model(
        self,
        name: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        emit: Callable[[LoadProgress], None] = lambda event: None,
    ) -> LoadedModel:
        """Replace the model by another one; the memory of the old one is freed first.

        For the worker (`start_loading`), or before there is any. Whatever can be refused before weights are read
        (no such path, not a causal model, no network) leaves the present model untouched. When the weights then fail,
        the old model is loaded again and the error still raised: ModelError, one sentence.
        """

        def tell(stage: str, share: float) -> None:
            emit(LoadProgress(stage, share))

        old, freed = self.loaded, False

        def free() -> None:
            nonlocal freed
            freed = True
            self.loaded = None
            if old is not None:
                old.unload()

        try:
            loaded = load(name, device, dtype, on_progress=tell, before_weights=free)
        except BaseException:
            if freed and old is not None:
                self._bring_back(tell)
            raise
        estimates.get_ready(loaded)
        self.loaded, self._settings = loaded, (name, device, dtype)
        self.generation += 1
        return loaded

    def _bring_back(self, tell: Callable[[str, float], None]) -> None:
        with suppress(Cancelled):
            tell("Loading the earlier model again", 0.0)
        try:
            self.loaded = load(*self._settings)
        except PlaygroundError as error:
            _LOG.warning("no model is loaded now: the earlier one could not be loaded again (%s)", error)
            self.generation += 1  # what belonged to the old one must not be used

    def model_choices(self) -> ModelChoices:
        """The models that can be loaded beside the shipped one, as they are on this machine now; on a public page
        nothing is fetched.
        """
        choices = model_choices(self.models)
        return ModelChoices(choices.local, ()) if self.public else choices

    def check_loading(self, name: str, owner: str) -> None:
        """Raises InputError for a model that a visitor to a public page may not load, or may not load now."""
        if not self.public:
            return
        listed = {"", "organism", self._settings[0], *(model.name for model in self.model_choices().local)}
        if name not in listed:
            raise InputError(f"Expected a model of the list, got “{name[:80]}”; this public page loads no others.")
        others = self.jobs.others_at_work(owner)
        if others:
            raise InputError(
                f"Expected a model nobody is using, got {others} other {'visitor' if others == 1 else 'visitors'} at "
                "work with this one; try again when the status says ready."
            )

    def start_loading(
        self,
        name: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        owner: str | None = None,
        address: str | None = None,
    ) -> Job[LoadedModel]:
        """`load_model` as a job, which emits LoadProgress and ends soon after a cancel, a hanging download included."""

        def run(context: JobContext) -> LoadedModel:
            def emit(event: LoadProgress) -> None:
                if context.cancelled():
                    raise Cancelled
                context.emit(event)

            return self.load_model(name, device, dtype, emit)

        return self.jobs.start(f"loading {name or 'organism'}", run, owner, address=address)

    def start(
        self,
        name: str,
        work: Callable[[LoadedModel, JobContext], T],
        owner: str | None = None,
        deadline: float | None = None,
        generation: int | None = None,
        address: str | None = None,
    ) -> Job[T]:
        """Queue work on the model that is loaded when its turn comes; `address` is where the owner is.

        With `generation`, the work is refused (InputError) when another model has been loaded by then. Raises
        InputError when the queue is full; the job raises ModelError when no model is loaded.
        """

        def run(context: JobContext) -> T:
            if generation is not None and generation != self.generation:
                raise InputError(
                    f"Expected the model this was asked for, got {self.loaded.name if self.loaded else 'none'}, loaded "
                    "in the meantime; check the layers and start again."
                )
            return work(self.require(), context)

        return self.jobs.start(name, run, owner, deadline, address)

    def require(self) -> LoadedModel:
        """The loaded model. Raises ModelError when there is none."""
        loaded = self.loaded
        if loaded is None:
            raise ModelError("Expected a loaded model, got none; load one first.")
        return loaded

    def load_set(self, name: str) -> VectorSet:
        """A set of the library by its name (never by a path: visitors choose names). Raises FileError."""
        return self.store.load(name)

    def close(self) -> None:
        """End the worker; for the end of the process, and of tests."""
        self.jobs.close()
