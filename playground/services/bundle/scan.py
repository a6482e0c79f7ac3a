"""Scans as parts of a bundled page: every text with its numbers, and KL against what changed."""

from __future__ import annotations

from pathlib import Path

from playground.extensions import resolve
from playground.library.origin import RowNote
from playground.model.load import Recorded
from playground.services import command
from playground.services.bundle.part import Block, Column, Part, Plot, Table, Words, changed_spans, versions
from playground.services.scan.cell import Cell, ScanResult

COLUMNS = (
    Column("vector", filter=True, signed=1), Column("sign", "sign", filter=True, hidden=True),
    Column("scale", "number", filter=True), Column("prompt", "prompt", filter=True),
    Column("text", "model", changed=16),
    Column("KL", "number", hint="KL(steered ‖ baseline) of the next token, in nats"),
    Column("changed %", "number", hint="share of words that differ from the baseline"),
    Column("perplexity", "number", hint="of the text, under the model as it is"),
    Column("repeated %", "number", hint="share of repeated 4-grams"), Column("name"), Column("group", filter=True),
    Column("baseline", "model", detail=True), Column("sample", "number", detail=True), Column("recipe", detail=True),
    Column("norm added", "number", detail=True), Column(""), Column(""), Column(""),
)  # fmt: skip
NOISE, STAR = 15, 17
UNITS = {"f": "multiples of the found scale", "r": "multiples of the reference norm", "a": "norms"}


def part(result: ScanResult) -> Part:
    """A scan, its texts in the order of effect: what changed most first, noise last."""
    request = result.request
    known = {(cell.prompt, cell.sample): number for number, cell in enumerate(result.baselines)}
    groups = result.group_of()
    baselines = tuple(cell.text for cell in result.baselines)
    columns = list(COLUMNS)
    columns[3] = Column("prompt", "prompt", filter=True, values=request.prompts)
    columns[11] = Column("baseline", "model", detail=True, values=baselines)
    rows = []
    order = sorted(enumerate(result.cells), key=lambda numbered: _by_effect(numbered[1]))
    for number, cell in order:
        note = note_of(result, cell)
        at = known.get((cell.prompt, cell.sample))
        group = "" if number not in groups else result.groups[groups[number]].name
        rows.append((
            str(cell.row), cell.sign, cell.scale, cell.prompt, cell.text, _digits(cell.kl),
            round(100 * cell.changed), _digits(cell.perplexity), round(100 * cell.repetition), note.label, group, at,
            cell.sample + 1, cell.recipe, _digits(cell.norm), int(cell.noise),
            [] if at is None else changed_spans(baselines[at], cell.text), int(note.star),
        ))  # fmt: skip
    blocks: list[Block] = [
        Words(f"Without steering, to “{request.prompts[cell.prompt]}”: {cell.text or '(ends at once)'}")
        for cell in result.baselines[:1] if len(request.prompts) == 1
    ]  # fmt: skip
    blocks += [
        Plot(
            "Texts by what changed", resolve("playground.ui.scan.figure:figure_of")(result),
            "A point a text: blue for the negative of a vector, orange for the vector, grey for noise. Click one to "
            "see all texts of its vector.", "vector",
        ),
        Table("Texts", tuple(columns), tuple(rows), "texts", "", NOISE, STAR),
    ]  # fmt: skip
    scales = ", ".join(f"{scale:g}" for scale in request.scales)
    sampling = request.sampling
    drawn = f"temperature {sampling.temperature:g}, seed {sampling.seed}" if sampling.temperature else "greedy"
    facts = (
        ("model", result.model), ("fingerprint", result.fingerprint), ("dtype", result.dtype),
        ("vector set", request.source), ("vectors (SHA-256)", result.set_hash), ("layer", f"block {result.layer}"),
        ("scales", f"{scales} · {UNITS[request.unit]}"), ("reference norm", f"{result.residual_norm:.3g}"),
        ("prompts", request.prompt_set or f"{len(request.prompts)} typed"),
        ("system prompt", request.format.system or ""), ("positions", request.positions),
        ("sampling", f"{sampling.max_new_tokens} new tokens, {drawn}"),
        ("texts", f"{len(result.cells):,} of {result.planned:,}"), ("computed in", f"{result.seconds:.3g} s"),
        ("created", result.created), ("versions", versions(result.versions)),
    )  # fmt: skip
    stopped = ("The scan was stopped: some texts are missing.",) if result.cancelled else ()
    name = Path(request.source).stem
    repeat = command.scan_command(request, Recorded(result.model, result.dtype), f"{name}-scan.json")
    warnings, files = (*stopped, *result.warnings), (result.model, request.source)
    return Part(f"Scan of {name}", "scan", facts, tuple(blocks), repeat, warnings, files)


def note_of(result: ScanResult, cell: Cell) -> RowNote:
    """The note that the scan holds on the vector of a text."""
    return result.notes[cell.row] if cell.row is not None and cell.row < len(result.notes) else RowNote()


def _by_effect(cell: Cell) -> tuple[object, ...]:
    kl = -1.0 if cell.kl is None else cell.kl
    return cell.noise, -round(cell.changed, 3), -kl, cell.row, -cell.sign, cell.scale, cell.sample


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
