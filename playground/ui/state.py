"""Session state of one visitor: plain data, no Gradio in it.

Visitors share the model, the queue and the library, and nothing else: what one of them computed, uploaded or deleted
is kept here under their own session and forgotten when they leave.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from playground.library.prompts import PromptSet
from playground.library.vector_set import RowNote, VectorSet
from playground.model.conversation import Turn
from playground.model.prompting import PromptFormat
from playground.services.generate import GenerateRequest, GenerateResult
from playground.services.scan import ScanResult
from playground.services.token_kl import TokenKl
from playground.ui.mixer import Mix
from playground.ui.numbered import Newest

VISITORS = 500
"""More sessions than this at once are forgotten oldest first: a leave that never arrived must not keep memory."""


@dataclass
class Written:
    """The texts that Steer shows. `kinds` are the panes they stand in, in the order of the result's rows; `kl` has the
    tokens of every row once they were asked for.
    """

    request: GenerateRequest
    result: GenerateResult
    kinds: tuple[str, ...]
    detail: str
    kl: tuple[tuple[TokenKl, ...], ...] | None = None

    def of(self, kind: str) -> slice | None:
        """The rows of the result that stand in a pane; None when it was not asked for."""
        if kind not in self.kinds:
            return None
        count = len(self.result.rows) // len(self.kinds)
        return slice(self.kinds.index(kind) * count, (self.kinds.index(kind) + 1) * count)


@dataclass
class Visitor:
    """One browser tab. `found` was computed and is not saved."""

    session: str
    found: VectorSet | None = None
    found_number: int = 0
    """Counts what was computed, so that the page notices."""
    method: str = "power"
    """Chosen in Discover."""
    saved_as: str | None = None
    """The name under which `found` is in the library."""
    look_prompt: str = ""
    look_format: PromptFormat | None = None
    look_scales: dict[tuple[int, int], float] = field(default_factory=dict)
    look_baseline: str = ""
    looks: dict[tuple[int, int], str] = field(default_factory=dict)
    """First look: (row, sign) → what that push, of the norm in `look_scales`, made of `look_prompt`."""
    uploaded: dict[str, PromptSet] = field(default_factory=dict)
    uploaded_lists: dict[str, dict[str, PromptSet]] = field(default_factory=dict)  # of files with several, by name
    """Prompts from files, by the place on the page they were given to."""
    model_shown: str = ""
    """The model token that the page was last filled in for."""
    library_shown: str = ""
    """The library token that its pickers and lists were last filled in for."""
    mix: Mix = field(default_factory=Mix)
    """The rows of Steer's mixer. Kept here because what a browser sends is older than what was just written."""
    written: Written | None = None
    """What was generated last in Steer."""
    beside: tuple[str, ...] = ()
    """The panes that stand beside Baseline and Steered."""
    turns: tuple[Turn, ...] = ()
    """The conversation before the prompt in Steer."""
    turns_drawn: int = 0
    """Counts how often the conversation was drawn."""
    effect_shown: object = None
    """What Steer's plots were last drawn for, so that nothing is computed twice."""
    effect_wanted: object = None
    """What they were last asked for."""
    undo: list[object] = field(default_factory=list)
    """Tokens of what was deleted, newest last."""
    selected: str | None = None
    """The set whose details the Library shows."""
    selected_shown: str = ""
    """Which version of it the Library was last filled in for."""
    noted: Newest = field(default_factory=Newest)
    """What was said last about a vector: by set, row, and whether it is its star, name, note or bin."""
    first_row: int = 0
    """The row that the Library's page of its vectors begins with."""
    scanning: bool = False
    """Whether a scan is under way, whose texts take the place of any that are shown."""
    scanned: ScanResult | None = None
    """The texts that Scan shows."""
    scan_first: int = 0
    """The first entry on the page of them that is shown."""
    scan_discarded: int | None = None
    """The vector that was discarded last there, and can be brought back."""
    scan_notes: tuple[RowNote, ...] = ()
    """The notes on vectors that Scan was last drawn with."""
    measured: object = None
    """What was measured over scales, or taken from a file, and is looked at in Measure."""
    measure_labels: object = None
    """What its vectors were called when it was drawn last."""
    measured_before: object = None
    """The kept measurement that is drawn beside it."""
    measure_look: object = None
    """Which vector, scale and item of it."""
    measure_file: str = ""
    """Its file, written to be downloaded."""
    measure_undo: list[str] = field(default_factory=list)
    """Tokens of measurements that were deleted, newest last."""
    measure_board: tuple[object, ...] = ()
    """What its curves come to: entries of the leaderboard."""

    def select(self, name: str | None) -> None:
        """Choose another set in the Library; its vectors are shown from the first one on."""
        self.selected, self.first_row = name, 0

    def keep_found(self, vector_set: VectorSet) -> None:
        """Take in what was just computed, and forget what belonged to the one before."""
        self.found = vector_set
        self.found_number += 1
        self.saved_as = None
        self.looks, self.look_scales = {}, {}


class Visitors:
    """Session → Visitor. Safe to use from any thread."""

    def __init__(self, capacity: int = VISITORS):
        self._capacity = capacity
        self._lock = threading.Lock()
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, session: str | None) -> Visitor:
        """The visitor of a session, new when it has not been seen before."""
        session = session or "anonymous"
        with self._lock:
            if session not in self._visitors:
                self._visitors[session] = Visitor(session)
                while len(self._visitors) > self._capacity:
                    self._visitors.popitem(last=False)
            self._visitors.move_to_end(session)
            return self._visitors[session]

    def leave(self, session: str | None) -> None:
        with self._lock:
            self._visitors.pop(session or "anonymous", None)

    def __len__(self) -> int:
        return len(self._visitors)
