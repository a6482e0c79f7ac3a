"""Results of scans: texts with their measurements, and groups of similar texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.library.origin import RowNote
from playground.services.scan.document import to_json
from playground.services.scan.request import ScanRequest


@dataclass(frozen=True)
class Cell:
    """One text. `recipe` is "" and `row` None for a baseline; `scale` is as asked for, without its sign.

    `norm`: of what was added. `kl`: KL(steered ‖ baseline) of the next token after the prompt, in nats; None where
    it is not finite. `repetition`, `perplexity` (under the unsteered model; None for an empty text) and `noise`: see
    core/noise.py. `changed`: the share of words that differ from the baseline's text of this prompt and sample.
    `finished`: the model ended the text itself.
    """

    recipe: str
    row: int | None
    sign: int
    scale: float
    norm: float
    prompt: int  # number of the prompt in the request
    sample: int
    text: str
    token_ids: tuple[int, ...]
    finished: bool
    kl: float | None
    repetition: float
    perplexity: float | None
    noise: bool
    changed: float


@dataclass(frozen=True)
class Group:
    """Cells with similar texts: numbers of `cells` of the result, the most typical one first.

    `like_baseline`: the text of a baseline is in the group too.
    """

    name: str
    members: tuple[int, ...]
    like_baseline: bool = False


@dataclass(frozen=True)
class ScanResult:
    """Result of a scan, with everything needed to repeat it.

    `baselines`: a text for each prompt and sample; `cells`: in the order prompt, row, sign, scale, sample, as far as
    the scan came; `planned`: how many there were to be. `groups` holds every cell once, the largest group first.
    `layer`, `residual_norm` and `set_hash` (of its vectors) are those of the set. `seconds` is computation alone;
    `created` is a time in UTC. `warnings`: that the set was made on another model, and rows that are no direction.
    `notes`: in a scan out of a file, the notes on the vectors when it was saved; while their set is there, its own
    notes are used.
    """

    request: ScanRequest
    model: str
    fingerprint: str
    dtype: str
    layer: int
    residual_norm: float
    set_hash: str
    planned: int
    warnings: tuple[str, ...]
    versions: dict[str, str]
    created: str
    baselines: tuple[Cell, ...] = ()
    cells: tuple[Cell, ...] = ()
    groups: tuple[Group, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    tokens_per_second: float = 0.0
    notes: tuple[RowNote, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The document that its JSON file holds."""
        return to_json(self, self.notes)

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a text, the baselines first; `prompt` is the text of it."""
        import pandas

        cells = (*self.baselines, *self.cells)
        return pandas.DataFrame([vars(cell) | {"prompt": self.request.prompts[cell.prompt]} for cell in cells])

    def baseline_of(self) -> dict[tuple[int, int], Cell]:
        """(number of the prompt, sample) → the text without steering."""
        return {(cell.prompt, cell.sample): cell for cell in self.baselines}

    def group_of(self) -> dict[int, int]:
        """Number of a cell → number of its group."""
        return {cell: number for number, group in enumerate(self.groups) for cell in group.members}
