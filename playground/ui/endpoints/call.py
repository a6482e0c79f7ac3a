"""One call of an endpoint: its visitor, their vector sets, and the states of its job."""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from gradio.blocks import Block
from gradio.processing_utils import move_files_to_cache

from playground.library.vector_set import VectorSet, check_fits
from playground.limits import check_characters
from playground.model.load import LoadedModel
from playground.services.job import Job, JobContext, Waiting
from playground.ui.endpoints.arguments import NAME_CHARACTERS
from playground.ui.kit.downloads import download_path
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import follow
from playground.ui.kit.visitor import Slice, Visitor

T = TypeVar("T")
Answer = dict[str, Any]
EVERY = 0.5
"""Seconds between two states of a running job."""
MOST_SETS, MOST_BYTES = 8, 64 * 2**20
"""What a session keeps of found sets, the newest ones: as much as a visitor to a public page may keep on disk."""


@dataclass
class FoundSets(Slice):
    """Sets that a session found by the endpoint, by name; the oldest go first."""

    sets: OrderedDict[str, VectorSet] = field(default_factory=OrderedDict)

    def keep(self, vector_set: VectorSet) -> VectorSet:
        """Keep a set under a name that nobody can guess: those who call over MCP share one session."""
        named = replace(vector_set, name=f"{vector_set.name}-{secrets.token_hex(8)}")
        self.sets[named.name] = named
        while len(self.sets) > 1 and (len(self.sets) > MOST_SETS or self._bytes > MOST_BYTES):
            self.sets.popitem(last=False)
        return named

    @property
    def _bytes(self) -> int:
        return sum(one.vectors.numel() * one.vectors.element_size() for one in self.sets.values())


class Call:
    """What an endpoint works with: the model, the sets of the visitor, and the queue of jobs."""

    def __init__(self, frame: Frame, visitor: Visitor):
        self.frame, self.visitor = frame, visitor
        self._library = frame.load_set(visitor)

    @property
    def loaded(self) -> LoadedModel:
        """The model. Raises ModelError while there is none."""
        return self.frame.loaded

    def load(self, name: str) -> VectorSet:
        """A set that this session found, or one of the library, that fits the model. Raises FileError, and
        InputError for a text too long to be a name.
        """
        check_characters("the name of a set", name, NAME_CHARACTERS)
        found = FoundSets.of(self.visitor).sets.get(name)
        if found is None:
            return self._library(name)
        loaded = self.loaded
        check_fits(found, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
        return found

    def keep(self, vector_set: VectorSet) -> VectorSet:
        """The set under the name by which other calls of this session find it."""
        return FoundSets.of(self.visitor).keep(vector_set)

    def start(self, name: str, work: Callable[[LoadedModel, JobContext], T]) -> Job[T]:
        """Queue work on the model. Raises InputError when the queue is full."""
        return self.frame.start(self.visitor, name, work)

    def file(self, name: str, write: Callable[[Path], object]) -> Answer:
        """A file for the answer, which `write` writes; Gradio serves it, and its clients download it. Raises FileError
        when it cannot be written.
        """
        path = download_path(self.visitor, name)
        write(path)
        return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def states(job: Job[Any]) -> Iterator[Answer]:
    """The state of a job until it ends: its place in the queue, or the share of the work that is done (None: not known
    yet). Closing the iterator, as when the client cancels or goes, cancels the job.
    """
    state: Answer = {"state": "running", "share": None}
    for batch in follow(job, EVERY):
        for event in batch:
            if isinstance(event, Waiting):
                state = {"state": "waiting", "position": event.position, "seconds_to_go": event.seconds}
            else:
                left = getattr(event, "seconds_to_go", None)
                state = {"state": "running", "share": getattr(event, "share", None), "seconds_to_go": left}
        yield state


def ended(stopped: bool, facts: Answer) -> Answer:
    """The last state of an endpoint: its answer."""
    return {"state": "stopped" if stopped else "done", **facts}


def written(answer: Answer, page: Block) -> str:
    """An answer as JSON text, for MCP: Gradio gives its clients the Python text of anything else. A file is the address
    at which this server has it, without its own; `page` is a component that keeps it there.
    """
    if "file" in answer:
        answer = {**answer, "file": move_files_to_cache(answer["file"], page, postprocess=True)["url"]}
    return json.dumps(answer, ensure_ascii=False)
