"""The public API: functions that find, apply, scan and measure steering vectors, for a model and sets in memory.

`import playground as sp`; everything here is in `playground` itself. The command line calls the same functions of
playground/services. Nothing prints. Long calls take `emit`, which gets events with a share of the work done, and
`cancelled`, which is asked whether to stop; what there is then is the result. Bad input raises a subclass of
`sp.PlaygroundError` with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.compare import run as _compare
from playground.analyses.next_token.run import MULTIPLIERS, Shifts
from playground.analyses.registry import measured
from playground.core.positions import Positions
from playground.errors import Cancelled, FileError, InputError, ModelError, PlaygroundError
from playground.library import exchange as _exchange
from playground.library import prompts as prompt_sets
from playground.library.atomic import write_atomically
from playground.library.direction import Direction, Steering, Term
from playground.library.prompt_set import PromptSet
from playground.library.recipe import Recipe, parse, recipes_of, resolve
from playground.library.store import open_set
from playground.library.vector_set import VectorSet
from playground.library.vector_set import load as load_vectors
from playground.methods.base.registry import method_of, registered
from playground.model.architecture import architecture_of
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel, is_organism, load, wrap
from playground.model.prompting import PromptFormat
from playground.model.steering import steer
from playground.services import bundle as _bundle
from playground.services import find as _find
from playground.services import generate as _generate
from playground.services import measure as _measure
from playground.services import scales as _scales
from playground.services import scan as _scan
from playground.services.bundle.read import Bundled
from playground.services.imports import ImportRequest, import_directions, usual_prompts
from playground.services.prompt_fields import prompt_fields

__all__ = [
    "Cancelled",
    "Direction",
    "FileError",
    "InputError",
    "LoadedModel",
    "ModelError",
    "PlaygroundError",
    "PromptFormat",
    "PromptSet",
    "Recipe",
    "Sampling",
    "Steering",
    "VectorSet",
    "bundle",
    "compare",
    "export_vectors",
    "find",
    "find_scales",
    "generate",
    "import_vectors",
    "list_methods",
    "load",
    "load_vectors",
    "measure",
    "next_token",
    "prompts",
    "scan",
    "steering",
    "wrap",
]

Emit = Callable[[Any], None]
Stop = Callable[[], bool]
Added = Steering | Recipe | str
"""What is added: a sum of scaled directions, or a recipe `FILE#ROW@SCALE` as an object or as text."""


def _silent(event: object) -> None:
    """An `emit` that ignores events."""


def _never() -> bool:
    """A `cancelled` that never stops."""
    return False


def list_methods() -> tuple[str, ...]:
    """Names of the methods that `find` knows."""
    return tuple(registered())


def prompts(name: str | Path) -> PromptSet:
    """A prompt set that ships, by name, or one in a file. Raises FileError when there is none."""
    return prompt_sets.read(name)


def find(
    method: str,
    model: LoadedModel,
    prompts: str | Sequence[str] | PromptSet,
    source: int,
    target: int | None = None,
    vectors: int | None = None,
    *,
    scales: bool = True,
    emit: Emit = _silent,
    cancelled: Stop = _never,
    **settings: Any,
) -> VectorSet:
    """Find directions at the output of block `source` by their effect at block `target` (counted from 0).

    `prompts` are texts, or a set, which says its format too and for methods of two sides both of them; `vectors` None
    is as many as is usual for the method. With `scales` the result holds for each row and sign the norms from which
    text changes (onset) and from which it is noise (break), and one between (found). `settings` are other fields of
    FindRequest and settings of the method (`playground/methods`); recipes among them name files. Raises InputError for
    settings that the method or the model does not have, FileError for sets that are missing, ModelError when memory
    runs out, Cancelled when it is stopped before there is anything.
    """
    two_sides = method_of(method).reads.sides > 1 and not {"against", "answers"} & settings.keys()
    fields = _prompt_fields(prompts, two_sides) | ({} if vectors is None else {"vectors": vectors}) | settings
    request = _find.find_request(method, source=source, target=target, **fields)
    job = _find.find_with_scales if scales else _find.find
    return job(model, request, emit, cancelled, open_set).vector_set


def find_scales(
    model: LoadedModel,
    vectors: VectorSet,
    rows: Sequence[int] | None = None,
    *,
    emit: Emit = _silent,
    cancelled: Stop = _never,
) -> VectorSet:
    """The set with onset, break and found scale of `rows` (None: all) in both signs, as norms. Raises InputError for a
    set without prompts, FileError for one of another width, Cancelled when it is stopped before there is anything.
    """
    request = _scales.ScalesRequest(rows=None if rows is None else tuple(rows))
    return _scales.find_scales(model, vectors, request, emit, cancelled)


def generate(
    model: LoadedModel,
    prompts: str | Sequence[str] | PromptSet,
    added: Added | Sequence[Added] = (),
    *,
    baseline: bool = False,
    controls: int = 0,
    samples: int = 1,
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    positions: Positions = "all",
    format: PromptFormat | None = None,
    emit: Emit = _silent,
    cancelled: Stop = _never,
) -> _generate.GenerateResult:
    """Generate texts for every prompt with each of `added`, all in one batch; with nothing added the model's own.

    With `baseline` texts without steering come first; `controls` is the number of random directions of equal norm
    that are added beside each of `added`. Temperature 0 is greedy. `format` None is that of a prompt set, or else the
    chat template. Raises InputError for what does not fit the model, FileError for sets that are missing.
    """
    recipes, load_set = _recipes([added] if isinstance(added, Steering | Recipe | str) else added)
    fields = _prompt_fields(prompts)
    request = _generate.GenerateRequest(
        prompts=fields["prompts"],
        format=format or fields.get("format", PromptFormat()),
        recipes=recipes,
        positions=positions,
        sampling=Sampling(max_new_tokens, temperature, top_p, seed),
        samples=samples,
        baseline=baseline or not recipes,
        controls=controls,
    )
    return _generate.generate(model, request, load_set, emit, cancelled)


def export_vectors(
    added: Added | VectorSet, path: str | Path, format: str, *, positions: Positions = "all"
) -> tuple[str, ...]:
    """Write what is added, one vector a layer with its scale, or the rows of a set as they are, as a file of another
    tool, and return sentences on what of them the file does not hold.

    `format` is one of `gguf` (llama.cpp, repeng), `easysteer`, `steering-vectors`, `pt` and `safetensors`. Raises
    InputError for what the format cannot say (several vectors a layer, block 0 in a GGUF file), FileError where the
    file cannot be written.
    """
    if isinstance(added, VectorSet):
        directions = _exchange.of_rows(added, range(added.rows), positions=positions)
        first = added
    else:
        (recipe,), load_set = _recipes([added])
        directions = _exchange.of_recipe(recipe, load_set, positions)
        first = load_set(recipe.components[0].source)
    hint = architecture_of(first.origin.model) or first.origin.model
    made = _exchange.exported(replace(directions, model=hint), format)
    write_atomically(Path(path), made.data)
    return made.said


def import_vectors(
    model: LoadedModel,
    path: str | Path,
    *,
    layer: int | None = None,
    counted: str | None = None,
    site: str | None = None,
    prompts: str | Sequence[str] | PromptSet | None = None,
) -> tuple[VectorSet, ...]:
    """The vectors in a file of another tool as sets of this model, one a layer, in the norms that the file gives them.

    `layer` and `counted` ("blocks" or "hidden-states") say what the file does not; `site` "MLP output" is for vectors
    that were found there. The reference norm is measured on `prompts` (None: eight usual ones). Raises FileError for
    files that are none, of another width or with objects other than tensors, InputError for answers that are missing.
    """
    fields = _prompt_fields(usual_prompts(is_organism(model)) if prompts is None else prompts)
    request = ImportRequest(
        directions=_exchange.read_directions(Path(path)), name=Path(path).name, layer=layer, counted=counted, site=site,
        **{name: value for name, value in fields.items() if name in ("prompts", "prompt_set", "format")},
    )  # fmt: skip
    return import_directions(model, request).sets


@contextmanager
def steering(model: LoadedModel | Any, added: Added, positions: Positions = "all") -> Iterator[None]:
    """Context manager that steers every forward pass of the model inside the `with` block, whoever calls it.

    `model` is a LoadedModel, or any causal model of transformers. Raises InputError for what does not fit the model.
    """
    (recipe,), load_set = _recipes([added])
    plain = model.model if isinstance(model, LoadedModel) else model
    with steer(plain, resolve(recipe, load_set), positions):
        yield


def measure(
    model: LoadedModel,
    analysis: str,
    vectors: VectorSet | Sequence[VectorSet],
    items: str | Path | PromptSet,
    scales: Sequence[float] | None = None,
    unit: str = "f",
    *,
    rows: Sequence[int] | None = None,
    emit: Emit = _silent,
    cancelled: Stop = _never,
    **settings: Any,
) -> ScalesResult:
    """Measure the effect of vectors over scales, beside random directions of equal norm.

    `analysis` is "choices", "exact", "replies", or one that was added; `items` the prompt set that is asked. `scales`
    count multiples of found scales (unit f), of the reference norm (r), or norms (a); None: -1.5 to 1.5 found scales.
    `rows` of each set (None: all). `settings` are fields of the analysis' request. Raises InputError for wrong values,
    FileError for sets that do not fit.
    """
    known = {name: each for name, each in measured().items() if each.over == "scales"}
    if analysis not in known:
        raise InputError(f"Expected an analysis: {', '.join(known)}, got {analysis!r}; choose one of them.")
    asked = items if isinstance(items, PromptSet) else prompt_sets.read(items)
    sets = _by_name([vectors] if isinstance(vectors, VectorSet) else vectors)
    wanted = tuple(
        MeasuredVector(name, row)
        for name, vector_set in sets.items()
        for row in (range(vector_set.rows) if rows is None else rows)
    )
    if scales is None and unit != "f":
        raise InputError(f"Expected scales in the unit {unit}, got none; give some, such as (-0.3, 0.3).")
    request = _measure.measure_request(
        known[analysis], asked, vectors=wanted, scales=scales, unit=unit, **settings
    )
    result: ScalesResult = _measure.measure(model, request, sets.__getitem__, emit, cancelled)
    return result


def next_token(
    model: LoadedModel,
    prompts: str | Sequence[str] | PromptSet,
    added: Added,
    multipliers: Sequence[float] = MULTIPLIERS,
    *,
    emit: Emit = _silent,
    cancelled: Stop = _never,
    **settings: Any,
) -> Shifts:
    """Measure what multiples of `added` do to the token after each prompt, beside random directions of equal norm.

    The result has KL(steered ‖ baseline) in nats and probabilities of the likeliest tokens, means over the prompts.
    `settings` are fields of ShiftsRequest. Raises InputError for wrong values, FileError for sets that do not fit,
    Cancelled when it is stopped before the first prompt is read.
    """
    typed = _prompt_fields(prompts)["prompts"]
    asked = prompts if isinstance(prompts, PromptSet) else PromptSet("typed", "", "", "prompts", typed)
    (recipe,), load_set = _recipes([added])
    analysis = measured()["next-token"]
    request = _measure.measure_request(analysis, asked, recipe=recipe, multipliers=tuple(multipliers), **settings)
    result: Shifts = _measure.measure(model, request, load_set, emit, cancelled)
    return result


def compare(*vectors: VectorSet) -> _compare.Comparison:
    """Compare sets of one width without a model; one set alone with itself. Sets of equal names are numbered.

    Of n rows in all, `cosines` (n, n) float32 are those between them, set after set; `angles` the principal angles in
    radians between what each pair of sets spans. Raises InputError for no sets, too many rows, or different widths.
    """
    return _compare.compare([(one, None) for one in _by_name(vectors).values()])


def scan(
    model: LoadedModel,
    vectors: VectorSet,
    prompts: str | Sequence[str] | PromptSet,
    scales: Sequence[float] | None = None,
    unit: str = "f",
    *,
    rows: Sequence[int] | None = None,
    emit: Emit = _silent,
    cancelled: Stop = _never,
    **settings: Any,
) -> _scan.ScanResult:
    """Generate texts with every vector in both signs at `scales` (None: half and whole found scales), grouped by
    similarity.

    `scales` count as in `measure`; `settings` are fields of ScanRequest. Raises InputError for wrong values, FileError
    for a set of another width.
    """
    chosen = _scan.request.usual_scales(unit, is_organism(model)) if scales is None else tuple(scales)
    (name,) = sets = _by_name([vectors])
    fields = _prompt_fields(prompts) | {"rows": None if rows is None else tuple(rows)} | settings
    request = _scan.ScanRequest(source=name, scales=chosen, unit=unit, **fields)
    return _scan.scan(model, request, sets.__getitem__, emit, cancelled)


def bundle(results: Bundled | Sequence[Bundled], folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write scans, measurements, vector sets, their files, or folders of evidence as one HTML page in `folder`, with
    search, filters and plots, which opens without a server and asks nothing of any host; returns its path.

    Raises InputError for a folder that holds files, unless it is a bundle and `overwrite` is given; FileError for what
    cannot be read or written.
    """
    several = [results] if isinstance(results, Bundled) else results
    return _bundle.write([_bundle.part_of(each) for each in several], Path(folder), overwrite)


def _prompt_fields(given: str | Sequence[str] | PromptSet, two_sides: bool = False) -> dict[str, Any]:
    """Request fields of texts or of a prompt set (services/prompt_fields.py)."""
    if isinstance(given, PromptSet):
        return prompt_fields(given, two_sides)
    return {"prompts": (given,) if isinstance(given, str) else tuple(given)}


def _by_name(sets: Sequence[VectorSet]) -> dict[str, VectorSet]:
    """Vector sets by name; equal names are numbered."""
    (recipe,), named = recipes_of([Steering(tuple(Term(Direction(one, 0), 0.0, "") for one in sets))])
    return {name: replace(one, name=name) for name, one in named.items()}


def _recipes(added: Sequence[Added]) -> tuple[tuple[Recipe, ...], Callable[[str], VectorSet]]:
    """Recipes, and a function that gives the sets they name: first those in memory, then files and the library."""
    held = [one for one in added if isinstance(one, Steering)]
    made, sets = recipes_of(held)
    of_held = iter(made)
    recipes = []
    for one in added:
        recipes.append(next(of_held) if isinstance(one, Steering) else one if isinstance(one, Recipe) else parse(one))
    return tuple(recipes), lambda name: sets[name] if name in sets else open_set(name)
