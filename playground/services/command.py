"""Shell commands that repeat a run, built from its request and parsed by playground/cli."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from playground.analyses import registry
from playground.analyses.common.request import MeasuredVector
from playground.errors import InputError
from playground.library import prompts as prompt_sets
from playground.library.prompts import PromptSet
from playground.library.recipe import Recipe
from playground.library.recipe import format as format_recipe
from playground.methods.base.request import default_of
from playground.model.adapter import split_adapter
from playground.model.chat_template import reads_date
from playground.model.conversation import format as format_turn
from playground.model.generation.generate import Sampling
from playground.model.load import LoadedModel, Recorded, automatic_device, is_organism
from playground.model.prompting import PromptFormat
from playground.services.atlas.request import AtlasRequest
from playground.services.band.request import BandRequest
from playground.services.find import FindRequest
from playground.services.find.sides import sides
from playground.services.generate import GenerateRequest
from playground.services.scan.request import BOTH, SIGNS, ScanRequest
from playground.services.transfer import TransferRequest

PROGRAM = ("python", "-m", "playground")


def find_command(
    request: FindRequest, loaded: LoadedModel, out: str, so_far: str | None = None, first: int | None = None
) -> str:
    """The shell command that finds the same vectors and writes them to the file `out`.

    With `so_far`, the file of a set to continue, the command continues after its `first` rows (None: all); prompts,
    layers and settings that may not change are then those of the file.
    """
    method = request.by
    words = [*PROGRAM, "find", request.method, *_model(loaded)]
    if so_far is not None:
        words += [*_given("--continue", so_far), *([] if first is None else ["--first", str(first)])]
    else:
        words += [*_prompts(request, loaded), "--source", str(request.source)]
        if request.target is not None:
            words += ["--target", str(request.target)]
        if method.reads.tokens is not None and not request.answers:
            words += ["--tokens", "all" if request.target_tokens is None else str(request.target_tokens)]
    if method.count is not None:
        words += ["--vectors", str(request.vectors)]
        if so_far is None:
            words += ["--seed", str(request.seed)]
    for name in method.options:
        # The file has what may not change; its other settings may differ from the defaults, and are given too.
        if so_far is None or (method.continues is not None and name in method.continues.may_change):
            words += _setting(request, name, always=so_far is not None)
    if request.read_sinks and so_far is None:
        words.append("--read-sinks")
    if request.memory_budget is not None:
        words += ["--memory", f"{request.memory_budget / 2**20:.17g}"]
    return shlex.join([*words, *_given("--out", out)])


def atlas_command(request: AtlasRequest, loaded: LoadedModel, out: str) -> str:
    """The shell command that computes the same atlas and writes it to the file `out`."""
    find = request.find
    words = [*PROGRAM, "atlas", *_model(loaded), *_prompts(find, loaded)]
    if find.source != 0:
        words += ["--source", str(find.source)]
    if find.target != loaded.block_count - 1:
        words += ["--target", str(find.target)]
    if request.step != 1:
        words += ["--every", str(request.step)]
    words += ["--tokens", "all" if find.target_tokens is None else str(find.target_tokens)]
    words += ["--vectors", str(find.k), "--seed", str(find.seed)]
    return shlex.join([*words, *_given("--out", out)])


def compare_atlases_command(first: str, second: str) -> str:
    """The shell command that compares two atlases of the library, or files of these names."""
    return shlex.join([*PROGRAM, "compare-atlases", *(["--"] if "-" in (first[:1], second[:1]) else []), first, second])


def generate_command(request: GenerateRequest, loaded: LoadedModel) -> str:
    """The shell command that generates the same rows (it always generates the baseline too)."""
    words = [*PROGRAM, "generate", *_model(loaded)]
    for prompt in request.prompts:
        words += _given("--prompt", prompt)
    words += _format(request.format, PromptFormat(), loaded)
    for turn in request.format.turns:
        words += ["--turn", format_turn(turn)]
    for recipe in request.recipes:
        words += _given("--steer", format_recipe(recipe))
    if request.controls:
        words += ["--random-controls", str(request.controls)]
    if request.positions != "all":
        words += ["--positions", request.positions]
    words += _sampling(request.sampling, request.samples, drawn=request.controls > 0)
    return shlex.join(words)


def scan_command(request: ScanRequest, loaded: LoadedModel | Recorded, out: str | None = None) -> str:
    """The shell command that generates the same texts, and writes them to the file `out`."""
    words = [*PROGRAM, "scan", *_model(loaded), *_given("--vectors", request.source)]
    if request.rows is not None:
        words += ["--rows", _ranges(request.rows)]
    if request.signs != BOTH:
        words += ["--signs", SIGNS[request.signs]]
    words += ["--scales", ",".join(repr(scale).removesuffix(".0") for scale in request.scales)]
    words += ["--unit", request.unit]
    words += _texts(request, loaded)
    if request.positions != "all":
        words += ["--positions", request.positions]
    words += _sampling(request.sampling, request.samples)
    return shlex.join([*words, *([] if out is None else _given("--out", out))])


def _ranges(rows: tuple[int, ...]) -> str:
    """Rows as text, neighbours in ranges, in their order: 0-3,7."""
    spans: list[list[int]] = []
    for row in rows:
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def _sampling(sampling: Sampling, samples: int, drawn: bool = False) -> list[str]:
    """Options of sampling; `drawn`: the seed is used also where tokens are not drawn."""
    words = _decoding(sampling)
    if sampling.temperature > 0 or drawn:
        words += ["--seed", str(sampling.seed)]
    return words + ([] if samples == 1 else ["--samples", str(samples)])


def _decoding(sampling: Sampling) -> list[str]:
    words = ["--max-new-tokens", str(sampling.max_new_tokens)]
    if sampling.temperature > 0:
        words += ["--temperature", repr(sampling.temperature)]
        if sampling.top_p != Sampling.top_p:
            words += ["--top-p", repr(sampling.top_p)]
    return words


def scales_command(name: str, loaded: LoadedModel) -> str:
    """The shell command that finds scales for all vectors of the library's set `name`."""
    words = [*PROGRAM, "calibrate", *_model(loaded), *_given("--vectors", name)]
    return shlex.join([*words, "--what", "scales"])


def radius_command(name: str, loaded: LoadedModel, row: int, target: int | None) -> str:
    """The shell command that measures how far one vector of the library's set `name` is linear, at the output of block
    `target` where the set has no target.
    """
    words = [*PROGRAM, "calibrate", *_model(loaded), *_given("--vectors", name)]
    words += ["--rows", str(row), "--what", "radii"]
    return shlex.join([*words, *([] if target is None else ["--target", str(target)])])


def export_command(
    recipe: Recipe | None, name: str, rows: str | None, scale: str, form: str, positions: str, file: str
) -> str:
    """The shell command that writes a recipe, or rows of the library's set `name` (None: all) at a scale, as a file of
    another tool.
    """
    if recipe is not None:
        words = [format_recipe(recipe)]
    else:
        words = [name, *([] if rows is None else ["--rows", rows]), *([f"--scale={scale}"] if scale else [])]
    words += ["--format", form, *([] if positions == "all" else ["--positions", positions])]
    return shlex.join([*PROGRAM, "export", *words, "--out", file])


def band_command(request: BandRequest, loaded: LoadedModel, prompts: str | None, out: str) -> str:
    """The shell command that repeats the search of a band of the library's set that the request names. `prompts` is the
    set that they were dealt out of, None for the prompts that the rows were found on.
    """
    words = [*PROGRAM, "band", request.source_set.name, *_model(loaded), "--rows", _ranges(request.rows)]
    if request.word is not None:
        words += _given("--word", request.word)
    elif request.target == "kl":
        words += ["--kl"]
    if prompts is not None:
        words += ["--choices" if request.target == "choices" else "--prompts", prompts]
    words += ["--scale", f"{request.scale:g}", "--budget", str(request.budget), "--seed", str(request.seed)]
    return shlex.join([*words, *_given("--out", out)])


def compare_command(sets: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """The shell command that compares the same rows of sets in the library."""
    words = [*PROGRAM, "compare"]
    for name, rows in sets:
        words += [*_given("--vectors", name), "--rows", _ranges(rows)]
    return shlex.join(words)


def transfer_command(request: TransferRequest, loaded: LoadedModel | Recorded) -> str:
    """The shell command that measures the same transfer matrix."""
    words = [*PROGRAM, "transfer", *_model(loaded)]
    for each in request.sets:
        words += _given("--choices" if each.polarity == 1 else "--against", each.choices.name)
    words += [] if request.home is None else _given("--home", request.home)
    words += ["--items", str(request.items or max(len(each.choices.items) for each in request.sets))]
    words += ["--balance"] if request.balance else []
    words += _vectors(request.vectors)
    words += [_scales(request.scales), "--unit", request.unit]
    words += ["--controls", str(request.controls), "--seed", str(request.seed)]
    words += ["--replies", str(request.replies), "--max-new-tokens", str(request.tokens)]
    return shlex.join(words)


def _vectors(vectors: Sequence[MeasuredVector]) -> list[str]:
    words = []
    for source, own in groupby(vectors, key=lambda vector: vector.source):
        words += [*_given("--vectors", source), "--rows", ",".join(vector.label for vector in own)]
    return words


def measure_command(
    request: Any,
    loaded: LoadedModel | Recorded,
    file: str | None = None,
    leaderboard: bool = False,
) -> str:
    """The shell command that measures the same numbers as a request of any analysis. `file` is the file of the set
    where it is none that ships; `leaderboard`: side effects are measured too.
    """
    analysis, asked = registry.of(request), request.asked
    words = [*PROGRAM, "measure", *_model(loaded), *_given(f"--{analysis.name}", asked.name if file is None else file)]
    words += _format(request.format, PromptFormat.of_set(asked), loaded)
    if request.max_items is not None or request.balance:
        words += _selection(request.max_items, request.sample_seed, request.balance)
    if analysis.over == "mix":
        words += [*_given("--steer", format_recipe(request.recipe)), _scales(request.multipliers)]
    else:
        words += _vectors(request.vectors)
        words += [_scales(request.scales), *([] if request.unit == "a" else ["--unit", request.unit])]
    if request.positions != "all":
        words += ["--positions", request.positions]
    words += ["--controls", str(request.controls), "--seed", str(request.seed)]
    words += ["--leaderboard"] if leaderboard else []
    if analysis.generates:
        words += _decoding(request.sampling)
    for option in analysis.options:
        if option.field is not None:
            words += option.words(getattr(request, option.field))
    return shlex.join(words)


def _scales(scales: tuple[float, ...]) -> str:
    return f"--scales={','.join(repr(scale).removesuffix('.0') for scale in scales)}"


def _given(option: str, value: str) -> list[str]:
    """An option with a text of the user's own; joined by "=" when the text would read as an option itself."""
    return [f"{option}={value}"] if value.startswith("-") or not value else [option, value]


def _model(loaded: LoadedModel | Recorded) -> list[str]:
    name, adapter = split_adapter(loaded.name)
    words = [] if name is None or name == "organism" else _given("--model", name)
    words += [] if adapter is None else _given("--adapter", adapter)
    dtype = str(loaded.dtype).removeprefix("torch.")
    if dtype != "float32" or not is_organism(loaded):
        words += ["--dtype", dtype]
    if isinstance(loaded, LoadedModel) and loaded.device.type != automatic_device():
        words += ["--device", loaded.device.type]
    return words


def _format(wanted: PromptFormat, usual: PromptFormat, loaded: LoadedModel | Recorded) -> list[str]:
    """The options that turn the format `usual`, the default of the prompts, into `wanted`; the date is given wherever
    the model's template reads it.
    """
    words = []
    if wanted.chat != usual.chat:
        words.append("--chat" if wanted.chat else "--raw")
    if not wanted.chat:
        return words
    if wanted.system != usual.system:
        words += _given("--system", wanted.system or "")
    if wanted.thinking:
        words.append("--thinking")
    if wanted.date != usual.date or (not is_organism(loaded) and _may_read_date(loaded)):
        words += ["--date", wanted.date]
    return words


def _may_read_date(loaded: LoadedModel | Recorded) -> bool:
    return isinstance(loaded, Recorded) or reads_date(loaded)


def _prompts(request: FindRequest, loaded: LoadedModel) -> list[str]:
    """The options of the prompts of a find request, and of its other side."""
    prompt_set = _set_of(request.prompt_set)
    if prompt_set is not None and request.by.reads.sides > 1 and not prompt_set.one_sided:
        words = _by_name(
            prompt_set,
            len(request.prompts),
            request.format,
            loaded,
            request,
            lambda part: all(getattr(request, name) == texts for name, texts in sides(part).items()),
        )
        if words:
            return words
    return _texts(request, loaded) + _other_side(request)


def _texts(request: FindRequest | ScanRequest, loaded: LoadedModel | Recorded) -> list[str]:
    """The prompt set by name when it, or the part that is chosen of it, holds exactly these prompts; else every prompt
    in full.
    """
    prompts, format, prompt_set = request.prompts, request.format, _set_of(request.prompt_set)
    if prompt_set is not None:
        per_item = 2 if prompt_set.kind == "contrast" else 1  # a contrast pair has two texts
        count, rest = divmod(len(prompts), per_item)
        words = _by_name(prompt_set, count, format, loaded, request, lambda part: part.texts() == prompts)
        if words and not rest:
            return words
    return [word for text in prompts for word in _given("--prompt", text)] + _format(format, PromptFormat(), loaded)


def _by_name(
    prompt_set: PromptSet,
    count: int,
    format: PromptFormat,
    loaded: LoadedModel | Recorded,
    request: FindRequest | ScanRequest,
    is_right: Callable[[PromptSet], bool],
) -> list[str]:
    """The options that name the `count` items of a set that the request chose, when they are the right ones; else
    none.
    """
    seed, balance = request.sample_seed, request.balance
    try:
        part = prompt_sets.select(prompt_set, count, seed, balance)
    except InputError:  # the set has no such part
        return []
    if not is_right(part):
        return []
    words = ["--prompts", prompt_set.name]
    words += [] if count == len(prompt_set.items) else _selection(count, seed, balance)
    return words + _format(format, PromptFormat.of_set(prompt_set), loaded)


def _selection(count: int | None, seed: int | None, balance: bool) -> list[str]:
    words = [] if count is None else ["--count" if seed is None else "--sample", str(count)]
    words += [] if seed is None or count is None else ["--sample-seed", str(seed)]
    return words + (["--balance"] if balance else [])


def _other_side(request: FindRequest) -> list[str]:
    words = [word for text in request.against for word in _given("--against-prompt", text)]
    for matching, other in request.answers:
        words += [*_given("--matching", matching), *_given("--other", other)]
    return words


def _set_of(name: str | None) -> PromptSet | None:
    """The built-in set of that name; sets from elsewhere may be gone when the command is run."""
    return prompt_sets.built_in().get(name) if name else None


def _setting(request: FindRequest, name: str, always: bool) -> list[str]:
    """The option of a setting that differs from its default, or is `always` given."""
    value, option = getattr(request.settings, name), f"--{name.replace('_', '-')}"
    if value is None or (value == default_of(request.by, name) and not always):
        return []
    if request.by.options[name].kind == "texts":
        return [word for text in value for word in _given(option, text)]
    if isinstance(value, tuple):
        return [option, ",".join(repr(float(entry)) for entry in value)]
    if isinstance(value, str):
        return _given(option, value)
    return [option, repr(value)]
