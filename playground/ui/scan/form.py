"""Values of the Scan tab's controls, the request that they make, and its estimated cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from playground.core.positions import Positions
from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.rows import read_rows
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.model.load import LoadedModel, is_organism
from playground.services.estimates import expected, work_of_scan
from playground.services.scan import ScanRequest
from playground.services.scan.request import SIGNS, read_scales, usual_scales, usual_unit
from playground.ui.kit.entered import real, whole
from playground.ui.kit.markup import estimate
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.prompt_source import PromptChoice, prompt_format

PLACE = "scan"
"""The name of the tab's prompt source on the page."""
SIGN_CHOICES = (("both", "both"), ("+", "plus"), ("−", "minus"))
NO_SET = "Expected a set of vectors, got none; compute vectors in Discover, or upload a file in Library."


@dataclass(frozen=True)
class ScanForm:
    """The values of the controls, in the order in which the page sends them."""

    set_name: str | None
    rows: str | None
    signs: str
    scales: str | None
    unit: str
    kind: str
    prompt_set: str | None
    typed: str | None
    use: float | None
    order: str
    draw_seed: float | None
    category: str | None
    mode: str
    system: str | None
    samples: float
    max_new_tokens: float
    temperature: float
    top_p: float
    seed: float
    positions: Positions

    @classmethod
    def of(cls, values: Sequence[Any]) -> ScanForm:
        """The form of the controls' values."""
        return cls(*values)

    @property
    def choice(self) -> PromptChoice:
        return PromptChoice(
            self.kind, self.prompt_set, self.typed, self.use, self.order, self.draw_seed, self.category, PLACE
        )

    def request(self, prompts: PromptSet, load: Callable[[str], VectorSet]) -> ScanRequest:
        """The request of a scan. Raises PlaygroundError for wrong values and for vectors that the set has not."""
        if not self.set_name:
            raise InputError(NO_SET)
        if self.mode not in ("chat", "raw"):
            raise InputError(f"Expected the format chat or raw, got “{self.mode}”; choose one of them.")
        signs = next((signs for signs, name in SIGNS.items() if name == self.signs), ())
        vector_set = load(self.set_name)
        request = ScanRequest(
            source=self.set_name,
            rows=read_rows(self.rows or "", vector_set),
            signs=signs,
            scales=read_scales(self.scales or ""),
            unit=self.unit,
            prompts=prompts.texts(),
            prompt_set=prompts.name,
            sample_seed=self.choice.sample_seed,
            balance=self.choice.balance,
            format=prompt_format(self.mode, self.system),
            positions=self.positions,
            sampling=Sampling(
                max_new_tokens=whole(self.max_new_tokens, "tokens"),
                temperature=real(self.temperature, "temperature"),
                top_p=real(self.top_p, "top-p"),
                seed=whole(self.seed, "seed"),
            ),
            samples=whole(self.samples, "samples"),
        )
        request.signed_rows(vector_set)
        return request


def suggested_scales(
    loaded: LoadedModel | None, vector_set: VectorSet | None, unit: str | None = None
) -> tuple[str, str]:
    """Unit and scales (as typed) that suit a set, in `unit` where one is chosen."""
    unit = unit or usual_unit(vector_set)
    scales = usual_scales("r" if unit == "a" else unit, loaded is None or is_organism(loaded))
    if unit == "a" and vector_set is not None:
        scales = tuple(scale * vector_set.origin.residual_norm for scale in scales)
    return unit, " ".join(f"{scale:.3g}" for scale in scales)


def prompts_of(form: ScanForm, visitor: Visitor) -> PromptSet:
    """The chosen prompts. Raises PlaygroundError."""
    return form.choice.chosen(visitor)


def hint(loaded: LoadedModel, request: ScanRequest, vector_set: VectorSet) -> str:
    """A line with the number of texts of a scan and its estimated time, as HTML."""
    rows, signed = len(request.rows_of(vector_set)), len(request.signed_rows(vector_set))
    parts = [_counted(rows, "vector"), _counted(len(request.signs), "sign")]
    if signed < rows * len(request.signs):
        parts = [_counted(signed, "vector") + " and signs with a found scale"]
    parts += [_counted(len(request.scales), "scale"), _counted(len(request.prompts), "prompt")]
    parts += [_counted(request.samples, "sample")] if request.samples > 1 else []
    texts = request.cells(signed)
    took = expected(loaded, work_of_scan(loaded, request, texts))
    return estimate(f"{' × '.join(parts)} = {_counted(texts, 'text')}", took)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
