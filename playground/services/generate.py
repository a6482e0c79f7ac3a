"""Generating text with and without recipes: baseline and steered rows side by side, in one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, field
from typing import Any

from playground.core.edit import like, random_edits
from playground.core.positions import Positions, check_positions
from playground.core.time_to_go import TimeToGo
from playground.errors import InputError
from playground.library.mix import LoadSet, Mix, mix
from playground.library.recipe import Recipe
from playground.library.recipe import format as format_recipe
from playground.limits import check_count, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.generation.generate import Sampling, Step
from playground.model.generation.in_parts import generate_in_parts
from playground.model.load import LoadedModel
from playground.model.overflowed import Overflowed
from playground.model.prompting import PromptFormat, encode
from playground.services import recent


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """Prompts × (baseline, recipes and random controls) × samples, all in one batch.

    `positions` are the tokens at which the recipes are added. `samples` is the number of texts for each prompt and
    recipe; the baseline gets as many. Each recipe has `controls` random pushes at its layers and with its norms, drawn
    from the seed of the sampling; recipes with the same layers and norms share theirs. Raises InputError when a value
    is wrong whatever the model.
    """

    prompts: tuple[str, ...]
    format: PromptFormat = field(default_factory=PromptFormat)
    recipes: tuple[Recipe, ...] = ()
    positions: Positions = "all"
    sampling: Sampling = field(default_factory=Sampling)
    samples: int = 1
    baseline: bool = True
    controls: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", tuple(self.prompts))
        object.__setattr__(self, "recipes", tuple(self.recipes))
        if not self.prompts:
            raise InputError("Expected a prompt, got none; type one.")
        self.format.check_prompts(self.prompts)
        check_positions(self.positions)
        check_whole("number of samples", self.samples, least=1, most=limits().samples)
        check_whole("number of random controls", self.controls, least=0, most=limits().controls)
        if self.controls and not self.recipes:
            raise InputError(
                "Expected a recipe that random controls are compared with, got none; give one, or ask for no controls."
            )
        if not self.baseline and not self.recipes:
            raise InputError("Expected the baseline or at least one recipe, got neither; choose what to generate.")
        check_count(
            "texts at once (prompts × recipes × samples)", self.rows, limits().rows,
            "ask for fewer samples, recipes or controls",
        )  # fmt: skip
        check_count(
            "new tokens at once (texts × length)", self.rows * self.sampling.max_new_tokens, limits().written_tokens,
            "ask for fewer or shorter texts",
        )  # fmt: skip

    @property
    def rows(self) -> int:
        """How many texts are generated, at most: recipes may share their controls."""
        return len(self.prompts) * (len(self.recipes) * (1 + self.controls) + self.baseline) * self.samples


@dataclass(frozen=True)
class GenerateProgress:
    """The texts so far, one a row in the order of the result's rows, after `step` of at most `steps` tokens.
    `seconds_to_go` is the most that is left, None until there is a pace; `longer`: it is more than before.
    """

    texts: tuple[str, ...]
    step: int
    steps: int
    seconds: float
    seconds_to_go: float | None
    longer: bool

    @property
    def share(self) -> float:
        """The part done, 0..1, if every row runs to the full length."""
        return self.step / self.steps


@dataclass(frozen=True)
class GeneratedRow:
    """One text. `recipe` is "" for the baseline, and "random-0 like RECIPE" for a control; `norm` is that of what was
    added (see Mix); `token_ids` are the generated ones, without end and padding; `finished`: the model ended the
    text itself.
    """

    recipe: str
    prompt: str
    sample: int
    text: str
    token_ids: tuple[int, ...]
    norm: float
    finished: bool


@dataclass(frozen=True)
class GenerateResult:
    """Rows in the order prompt, recipe (the baseline first, controls last), sample. `seconds` is that of generating."""

    rows: tuple[GeneratedRow, ...]
    seconds: float
    tokens_per_second: float
    cancelled: bool
    warnings: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all rows, in their order."""
        return tuple(row.text for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row."""
        import pandas

        return pandas.DataFrame([asdict(row) for row in self.rows])


@within_memory
def generate(
    loaded: LoadedModel,
    request: GenerateRequest,
    load_set: LoadSet,
    emit: Callable[[GenerateProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> GenerateResult:
    """Generate every row of the request; a cancel returns the texts so far.

    Raises InputError for prompts that are empty or too long for this model and for rows that a set does not have,
    FileError for sets that are missing or were made for another width.
    """
    recent.ran(request)
    begun, steps, time_to_go = time.perf_counter(), request.sampling.max_new_tokens, TimeToGo()
    planned = plan(loaded, request, load_set)
    prompts = [request.prompts.index(row.prompt) for row in planned]
    encoded = encode(loaded, request.prompts, request.format, room=steps).take(prompts)

    def tell(step: Step) -> None:
        done = min(step.index + 1, steps)
        left = time_to_go.at(done / steps)
        emit(GenerateProgress(step.texts, done, steps, time.perf_counter() - begun, left.seconds, left.longer))

    pushes = [row.mix.edits for row in planned]
    done = generate_in_parts(loaded, encoded, pushes, request.positions, request.sampling, tell, cancelled)
    rows = tuple(
        GeneratedRow(row.recipe, row.prompt, row.sample, text, tuple(token_ids), row.mix.norm, finished)
        for row, text, token_ids, finished in zip(planned, done.texts, done.token_ids, done.finished, strict=True)
    )
    overflowed = Overflowed(loaded, request.positions)
    overflowed.note(encoded, pushes, done)
    warnings = tuple(dict.fromkeys(warning for row in planned for warning in row.mix.warnings))
    return GenerateResult(
        rows, done.seconds, done.tokens_per_second, done.cancelled, (*warnings, *overflowed.warnings)
    )


def facts(model: str, request: GenerateRequest, result: GenerateResult) -> dict[str, Any]:
    """The result as plain values: what `generate --json` prints, and the endpoint answers."""
    return {
        "model": model,
        "positions": request.positions,
        "temperature": request.sampling.temperature,
        "seed": request.sampling.seed,
        "rows": [
            {
                "recipe": row.recipe,
                "prompt": row.prompt,
                "sample": row.sample,
                "norm": row.norm,
                "text": row.text,
                "token_ids": list(row.token_ids),
                "finished": row.finished,
            }
            for row in result.rows
        ],
        "seconds": result.seconds,
        "tokens_per_second": result.tokens_per_second,
    }


@dataclass(frozen=True)
class PlannedRow:
    """A row before it is generated: the names of GeneratedRow, and what is added."""

    prompt: str
    recipe: str
    mix: Mix
    sample: int


def plan(loaded: LoadedModel, request: GenerateRequest, load_set: LoadSet) -> tuple[PlannedRow, ...]:
    """The rows of a request in the order of the result. Raises FileError and InputError as `generate` does."""
    choices = [("", Mix((), 0.0, ()))] if request.baseline else []
    recipes = [(format_recipe(recipe), mix(loaded, recipe, load_set)) for recipe in request.recipes]
    choices += recipes
    drawn: set[Hashable] = set()
    for name, made in recipes:
        alike = like(made.edits)
        if alike in drawn:
            continue
        drawn.add(alike)
        for number, pushes in enumerate(random_edits(made.edits, request.controls, request.sampling.seed)):
            choices.append((f"random-{number} like {name}", Mix(pushes, made.norm, ())))
    return tuple(
        PlannedRow(prompt, name, made, sample)
        for prompt in request.prompts
        for name, made in choices
        for sample in range(request.samples)
    )
