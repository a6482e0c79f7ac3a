"""Runs a scan in batches, and emits the result so far after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from playground.core.noise import is_noise, repetition
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, ModelError
from playground.library.mix import LoadSet, Mix, mix
from playground.library.origin import library_versions, now
from playground.library.recipe import format as format_recipe
from playground.library.vector_set import VectorSet, check_fits, vectors_hash
from playground.model.cut.memory import smaller_batch, within_memory
from playground.model.finite import check_finite
from playground.model.generation.batch import rows_together
from playground.model.generation.generate import generate
from playground.model.interrupt import interruptible, interrupts_passes
from playground.model.load import LoadedModel
from playground.model.overflowed import Overflowed
from playground.model.prompting import Encoded, encode
from playground.model.reading.next_token import divergences, next_logits
from playground.model.reading.text_likelihood import perplexities
from playground.services import recent
from playground.services.changed import changed_share
from playground.services.scan.cell import Cell, ScanResult
from playground.services.scan.group import group_cells
from playground.services.scan.plan import Planned, plan
from playground.services.scan.request import ScanRequest

_QUIET_SECONDS = 0.2
"""Seconds between two events while a batch is under way."""
_GENERATING = 0.8
"""The part of a batch's time that goes into generating; the rest is reading what was written."""
_ROWS = 64
"""Rows of the vocabulary in float64 at a time."""
_FINISHING = 0.5
"""Seconds after a stop for reading what is whole of the batch under way."""


@dataclass(frozen=True)
class ScanProgress:
    """Progress of a scan. `cells` (baselines included) are those that are new since the previous event; with them comes
    the result `so_far`, without groups. `seconds_to_go` is None until there is a pace; `longer`: it is more than
    before.
    """

    cells: tuple[Cell, ...]
    done: int
    total: int
    seconds: float
    share: float
    seconds_to_go: float | None
    longer: bool
    so_far: ScanResult | None = None


@within_memory
@interrupts_passes
def scan(
    loaded: LoadedModel,
    request: ScanRequest,
    load_set: LoadSet,
    emit: Callable[[ScanProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ScanResult:
    """Every text of the request. A cancel returns those that are whole by then.

    Raises InputError for rows that the set does not have, prompts that are too long and too many cells, FileError for a
    set that is missing or was made for another width, Cancelled when it is stopped before there is a cell, ModelError
    when not even one text fits into memory.
    """
    recent.ran(request)
    begun, time_to_go = time.perf_counter(), TimeToGo()
    vector_set = load_set(request.source)
    warning = check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    rows = request.rows_of(vector_set)
    usable = {row for row in rows if bool(vector_set.vectors[row].any())}
    signed_rows = [(row, sign) for row, sign in request.signed_rows(vector_set) if row in usable]
    prompts = encode(loaded, request.prompts, request.format, room=request.sampling.max_new_tokens)
    runner = _BatchRunner(loaded, request, vector_set, prompts, cancelled)
    entries = plan(request, vector_set, signed_rows, prompts.lengths)
    notes = (warning, _left_out(request, rows, usable), request.without_scale(vector_set))
    blank = ScanResult(
        request=request,
        model=loaded.name,
        fingerprint=loaded.fingerprint,
        dtype=str(loaded.dtype).removeprefix("torch."),
        layer=vector_set.origin.source,
        residual_norm=vector_set.origin.residual_norm,
        set_hash=vectors_hash(vector_set),
        planned=len(entries) - len(request.prompts) * request.samples,
        warnings=tuple(note for note in notes if note),
        versions=library_versions(),
        created=now(),
    )
    baselines: dict[int, Cell] = {}
    cells: dict[int, Cell] = {}
    size, start = rows_together(loaded, max(prompts.lengths) + request.sampling.max_new_tokens), 0

    def so_far() -> ScanResult:
        seconds = time.perf_counter() - begun
        found = tuple(baselines[number] for number in sorted(baselines))
        steered = tuple(cells[number] for number in sorted(cells))
        return replace(
            blank,
            warnings=(*blank.warnings, *runner.overflowed.warnings),
            baselines=found,
            cells=steered,
            cancelled=len(found) + len(steered) < len(entries),
            seconds=seconds,
            tokens_per_second=sum(len(cell.token_ids) for cell in (*found, *steered)) / seconds,
        )

    def tell(new: Sequence[Cell], done: int, under_way: int = 0, part_done: float = 0.0) -> None:
        share, count = (done + under_way * part_done) / len(entries), len(baselines) + len(cells)
        seconds = time.perf_counter() - begun
        left, result = time_to_go.at(share), so_far() if new else None
        emit(ScanProgress(tuple(new), count, len(entries), seconds, share, left.seconds, left.longer, result))

    while start < len(entries) and not cancelled():
        part = entries[start : start + size]
        try:
            new = runner.run(part, baselines, partial(tell, (), start, len(part)))
        except Cancelled:
            break
        except ModelError as error:
            size = smaller_batch(len(part), error)
            continue
        for entry, cell in new:
            (baselines if entry.row is None else cells)[entry.number] = cell
        start += len(part)
        tell([cell for _, cell in new], start)
    if not cells:
        raise Cancelled
    result = so_far()
    return replace(result, groups=group_cells(result.cells, result.baselines))


def _left_out(request: ScanRequest, rows: Sequence[int], usable: set[int]) -> str | None:
    """A sentence about rows of norm 0; None when there are none."""
    missing = sorted(set(rows) - usable)
    if not missing:
        return None
    which = f"vector {missing[0]}" if len(missing) == 1 else f"{len(missing)} vectors (the first is {missing[0]})"
    return f"{which} of {request.source} {'has' if len(missing) == 1 else 'have'} norm 0 and can't be scanned."


class _BatchRunner:
    """Generates and measures one batch of texts at a time."""

    def __init__(
        self,
        loaded: LoadedModel,
        request: ScanRequest,
        vector_set: VectorSet,
        prompts: Encoded,
        cancelled: Callable[[], bool],
    ) -> None:
        self._loaded = loaded
        self._request = request
        self._vector_set = vector_set
        self._prompts = prompts
        self._cancelled = cancelled
        self.overflowed = Overflowed(loaded, request.positions)
        self._plain = next_logits(loaded, prompts, [()] * len(prompts))
        check_finite(self._plain, loaded, prompts.take([0]))

    def run(
        self, entries: Sequence[Planned], baselines: dict[int, Cell], tell: Callable[[float], None]
    ) -> list[tuple[Planned, Cell]]:
        """The cells of `entries`, in their order; after a cancel those whose text is whole, if they can be read soon.
        Raises Cancelled otherwise.

        `baselines` are those there are, by their number; those of this batch need not be among them. `tell` gets the
        share of the batch that is done.
        """
        request, steps = self._request, self._request.sampling.max_new_tokens
        mixes = [self._mixed(entry) for entry in entries]
        blocks, emitted = 0, time.monotonic()

        def asked() -> bool:
            """Asked in every block of every token."""
            nonlocal blocks, emitted
            if time.monotonic() - emitted > _QUIET_SECONDS:
                emitted = time.monotonic()
                tell(_GENERATING * min(blocks / (steps * self._loaded.block_count), 1.0))
            blocks += 1
            return self._cancelled()

        asked_prompts, pushes = self._prompts.take([entry.prompt for entry in entries]), [made.edits for made in mixes]
        done = generate(
            self._loaded,
            asked_prompts,
            pushes,
            request.positions,
            request.sampling,
            cancelled=asked,
            samples=[entry.sample for entry in entries],
        )
        whole = [row for row in range(len(entries)) if not done.cancelled or done.finished[row]]
        if not whole:
            return []
        texts = [done.token_ids[row] for row in whole]
        prompts = self._prompts.take([entries[row].prompt for row in whole])
        late = time.monotonic() + _FINISHING
        with interruptible(self._loaded.model, lambda: done.cancelled and time.monotonic() > late):
            perplexity = perplexities(self._loaded, prompts, texts)
            nats = self._divergences([entries[row] for row in whole], [mixes[row] for row in whole])
            self.overflowed.note(asked_prompts, pushes, done)
        known = dict(baselines)
        cells = []
        for place, row in enumerate(whole):
            entry = entries[row]
            cell = Cell(
                recipe=format_recipe(entry.recipe),
                row=entry.row,
                sign=entry.sign,
                scale=entry.scale,
                norm=mixes[row].norm,
                prompt=entry.prompt,
                sample=entry.sample,
                text=done.texts[row],
                token_ids=tuple(done.token_ids[row]),
                finished=done.finished[row],
                kl=nats[place],
                repetition=repetition(done.token_ids[row]),
                perplexity=perplexity[place],
                noise=False,
                changed=0.0,
            )
            if entry.row is None:
                known[entry.number] = cell
            else:
                baseline = known.get(entry.prompt * request.samples + entry.sample)
                if baseline is None:  # the scan was stopped before its baseline was whole
                    continue
                cell = replace(
                    cell,
                    noise=done.overflowed[row] or is_noise(cell, baseline),
                    changed=changed_share(baseline.text, cell.text)
                )
            cells.append((entry, cell))
        return cells

    def _mixed(self, entry: Planned) -> Mix:
        return mix(self._loaded, entry.recipe, lambda source: self._vector_set)

    def _divergences(self, entries: Sequence[Planned], mixes: Sequence[Mix]) -> list[float | None]:
        """KL(steered ‖ baseline) of the next token for every entry, None where it is not finite; samples of one recipe
        on one prompt are computed once.
        """
        things: dict[tuple[int, str], int] = {}
        for number, entry in enumerate(entries):
            if entry.row is None:
                continue  # the divergence of the baseline from itself is 0
            things.setdefault((entry.prompt, format_recipe(entry.recipe)), number)
        found: dict[tuple[int, str], float | None] = {}
        by_prompt: dict[int, list[tuple[int, str]]] = {}
        for thing in things:
            by_prompt.setdefault(thing[0], []).append(thing)
        for prompt, wanted in by_prompt.items():
            for begin in range(0, len(wanted), _ROWS):
                some = wanted[begin : begin + _ROWS]
                logits: Tensor = next_logits(
                    self._loaded,
                    self._prompts.take([prompt] * len(some)),
                    [mixes[things[thing]].edits for thing in some],
                    self._request.positions,
                )
                nats = divergences(logits, self._plain[prompt]).tolist()
                found |= {thing: own if math.isfinite(own) else None for thing, own in zip(some, nats, strict=True)}
        return [found.get((entry.prompt, format_recipe(entry.recipe)), 0.0) for entry in entries]
