"""Search of found scales of a vector set: texts of all rows and signs in one batch, each at its own next scale."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled
from playground.library.rows import check_rows
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.limits import check_count, check_whole, limits
from playground.methods.base.registry import norm_of
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.services.scales.onsets import PASSES, OnsetBracket
from playground.services.scales.search import ScaleSearch, Verdict
from playground.services.scales.texts import Reader, Written
from playground.services.set_prompts import prompts_of

START = 0.2
"""Relative scale that is tried first: over three pairs of layers of SmolLM2 breaks lie between 0.05 and 0.7."""
LEAST, MOST = 0.0125, 3.2
"""Range of the relative scales that are tried: START times powers of 2."""
BLOCK = 24
"""Rows that are searched together, in both signs; a cancel keeps the finished blocks."""


@dataclass(frozen=True, kw_only=True)
class ScalesRequest:
    """`rows` (None: all) of a set, in both signs: `texts` of `tokens` new tokens each, in turn on `prompts` prompts.

    The prompts are the shortest of the set's own. Raises InputError for numbers out of range.
    """

    rows: tuple[int, ...] | None = None
    texts: int = 5
    prompts: int = 3
    tokens: int = 32

    def __post_init__(self) -> None:
        check_whole("number of texts", self.texts, least=2, most=limits().look_texts)
        check_whole("number of prompts", self.prompts, least=1, most=limits().look_prompts)
        check_whole("number of new tokens", self.tokens, least=4, most=limits().look_tokens)


@dataclass(frozen=True)
class Look:
    """A greedy text: its row, sign (1 or −1), scale (absolute norm), and number of the prompt in the set.

    `noise`: it is no longer text. `differs`: it is not the baseline's.
    """

    row: int
    sign: int
    scale: float
    prompt: int
    text: str
    noise: bool
    differs: bool


@dataclass(frozen=True)
class ScalesProgress:
    """How far the search is: the share done (0 to 1, never falling) and the texts that are new since the last event.
    `seconds_to_go` is None until there is a pace; `longer`: it is more than before.
    """

    share: float
    seconds: float
    seconds_to_go: float | None
    longer: bool
    looks: tuple[Look, ...] = ()


@within_memory
@interrupts_passes
def find_scales(
    loaded: LoadedModel,
    vector_set: VectorSet,
    request: ScalesRequest | None = None,
    emit: Callable[[ScalesProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    keep: Callable[[VectorSet], None] = lambda so_far: None,
) -> VectorSet:
    """The set with onset, break and found scale for the rows asked for and their negatives.

    Greedy texts are written for all rows of a block in one batch and classified as text or noise (core/noise.py),
    which determines the next scales (search.py). `keep` gets the set after each block of rows. A cancel returns the
    finished blocks, and of the one under way the estimates from at least three texts. Rows of norm 0 are left out.

    Raises InputError for rows that are not there and a set without prompts, FileError for a set of another width,
    Cancelled when it is stopped before there is anything, ModelError when memory runs out.
    """
    request = ScalesRequest() if request is None else request
    begun, time_to_go = time.perf_counter(), TimeToGo()
    rows = [row for row in check_rows(vector_set, request.rows) if bool(vector_set.vectors[row].any())]
    check_count(
        "new tokens of looks (rows × signs × texts × length)", len(rows) * 2 * request.texts * request.tokens,
        limits().job_tokens, "look at fewer rows or texts",
    )  # fmt: skip
    reader = Reader(loaded, prompts_of(loaded, vector_set), vector_set.origin.source, request, cancelled)
    blocks = [rows[begin : begin + BLOCK] for begin in range(0, len(rows), BLOCK)]
    done = 0
    for block in blocks:

        def tell(share: float, looks: Sequence[Look], before: int = done, size: int = len(block)) -> None:
            of_all = (before + share * size) / len(rows)
            left = time_to_go.at(of_all)
            emit(ScalesProgress(of_all, time.perf_counter() - begun, left.seconds, left.longer, tuple(looks)))

        search = _BlockSearch(reader, vector_set, block, request.texts, tell)
        try:
            search.run()
        except Cancelled:
            windows = search.windows(least_texts=3)
            if not windows and not done:
                raise
            return vector_set.with_windows(windows) if windows else vector_set
        vector_set = vector_set.with_windows(search.windows())
        done += len(block)
        keep(vector_set)
    return vector_set


class _BlockSearch:
    """The searches of some rows in both signs, advanced together."""

    def __init__(
        self,
        reader: Reader,
        vector_set: VectorSet,
        rows: Sequence[int],
        texts: int,
        tell: Callable[[float, Sequence[Look]], None],
    ) -> None:
        self._reader = reader
        self._texts = texts
        self._tell = tell
        self._written = 0
        self._onsets: dict[tuple[int, int], float] = {}
        reference = vector_set.origin.residual_norm
        least, most = LEAST * reference, MOST * reference
        self._units = {row: vector_set.unit(row) for row in rows}
        self._searches: dict[tuple[int, int], ScaleSearch] = {}
        for row in rows:
            start = START * reference
            if norm_of(vector_set.origin.method) == "free":  # norms are findings: they are tried first
                start = min(max(float(vector_set.native_norms[row]), least), most)
            for sign in (1, -1):
                self._searches[row, sign] = ScaleSearch(start, least, most)

    def run(self) -> None:
        """Generate all texts, then narrow the onsets down. Raises Cancelled."""
        for number in range(self._texts):
            self._look(number % self._reader.prompts)
        self._refine_onsets()
        self._tell(1.0, ())

    def windows(self, least_texts: int = 0) -> dict[tuple[int, int], ScaleWindow]:
        """The windows by row and sign, where at least so many texts were generated."""
        return {
            place: search.window(self._onsets.get(place, search.changed_at()))
            for place, search in self._searches.items()
            if len(search.verdicts) >= least_texts
        }

    def _look(self, prompt: int) -> None:
        """Generate one more text of every row and sign, on a prompt."""
        places = list(self._searches)
        scales = [self._searches[place].next_scale for place in places]
        pushed = [sign * scale * self._units[row] for (row, sign), scale in zip(places, scales, strict=True)]

        def record(numbers: Sequence[int], written: Sequence[Written]) -> None:
            looks = []
            for number, text in zip(numbers, written, strict=True):
                place, scale = places[number], scales[number]
                self._searches[place].record(Verdict(scale, prompt, text.noise, text.differs))
                original = self._reader.number_of(prompt)
                looks.append(Look(*place, scale, original, text.text, text.noise, text.differs))
            self._written += len(looks)
            self._tell(0.95 * self._written / (self._texts * len(places)), looks)

        self._reader.write(pushed, prompt, record)

    def _refine_onsets(self) -> None:
        """Narrow the onsets down on the first prompt, by forward passes over its baseline. Raises Cancelled."""
        brackets = {}
        for place, search in self._searches.items():
            high = search.changed_at()
            if high is not None and len(self._reader.still):
                brackets[place] = OnsetBracket(search.unchanged_below(high), high, self._reader.still)
        for _ in range(PASSES if brackets else 0):
            pushed = [sign * bracket.trial * self._units[row] for (row, sign), bracket in brackets.items()]
            for bracket, margins in zip(brackets.values(), self._reader.margins(pushed), strict=True):
                bracket.record(margins)
        self._onsets = {place: bracket.high for place, bracket in brackets.items()}
