"""Texts that were cut where the model's numbers were not finite: how many there are, and from which block it began."""

from __future__ import annotations

from collections.abc import Sequence

from playground.core.edit import Edit
from playground.core.positions import Positions
from playground.model.finite import overflow
from playground.model.generation.generate import Generation
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, pad_left


class Overflowed:
    """Counts the texts of several batches that were cut, and says where the numbers of the first one ended."""

    def __init__(self, loaded: LoadedModel, positions: Positions) -> None:
        self.count = 0
        self._loaded = loaded
        self._positions = positions
        self._sentence = ""

    def note(self, prompts: Encoded, pushes: Sequence[Sequence[Edit]], done: Generation) -> None:
        """Take a batch: its prompts, what was added in each row, and what came of it."""
        for row, cut in enumerate(done.overflowed):
            if cut and not self.count:
                prompt, tokens = prompts.input_ids[row, -prompts.lengths[row] :].tolist(), done.token_ids[row]
                read = pad_left(self._loaded, [prompt + list(tokens)])
                self._sentence = overflow(self._loaded, read, pushes[row], self._positions, len(tokens))
            self.count += cut

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence or two where texts were cut, otherwise none."""
        if not self.count:
            return ()
        texts = "1 text ends" if self.count == 1 else f"{self.count} texts end"
        return (f"{texts} where the model's numbers are no longer finite. {self._sentence}",)
