"""python -m playground import: vectors of another tool as vector sets of a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from playground.cli.outcome import Outcome, check_out
from playground.cli.parser import add_json, add_model, add_prompts, one_of, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.library.formats.registry import formats

COUNTED = ("blocks", "hidden-states")
SITES = {"block": "block output", "mlp": "MLP output"}

SUMMARY = "take in vectors of another tool: GGUF control vectors, EasySteer, PyTorch and safetensors tensors"
DESCRIPTION = (
    "Write the vectors of a file as vector sets of a model, one a layer. What the file does not say is asked for by\n"
    "--layer and --counted; the reference norm is measured on the prompts. No pickled objects are read. Formats:\n\n"
    + "\n".join(f"  {each.label}" for each in formats("directions").values() if each.read is not None)
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the file to read")
    parser.add_argument(
        "--layer", metavar="N", type=whole("a layer", 0),
        help="the layer, where the file does not say it; of a file with several the one to take",
    )  # fmt: skip
    parser.add_argument(
        "--counted", metavar="HOW", type=one_of("how layers are counted", COUNTED),
        help="blocks (a block's output, counted from 0) or hidden-states (an index into transformers' hidden_states), "
        "where the file does not say",
    )  # fmt: skip
    parser.add_argument(
        "--site", metavar="WHERE", type=one_of("where vectors were added", tuple(SITES)),
        help="where they were added when they were found: block (its output, the usual one) or mlp (its MLP's output)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True,
        help="the set to write; of several layers NAME-LAYER.safetensors each",
    )  # fmt: skip
    add_prompts(parser, required=False)
    add_model(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.models import load_quietly
    from playground.cli.prompts import prompt_fields_of, prompt_set_of
    from playground.library.exchange import read_directions
    from playground.library.vector_set import save
    from playground.services.imports import ImportRequest, import_directions, usual_prompts

    check_out(options.out, "mine.safetensors")
    directions = read_directions(options.file)
    named = options.prompts is not None or options.prompt is not None
    prompt_set = prompt_set_of(options) if named else usual_prompts(options.model in (None, "organism"))
    fields = prompt_fields_of(options, prompt_set)
    request = ImportRequest(
        directions=directions, name=options.file.name, layer=options.layer, counted=options.counted,
        site=None if options.site is None else SITES[options.site],
        **{name: value for name, value in fields.items() if name in ("prompts", "prompt_set", "format")},
    )  # fmt: skip
    progress = Progress()
    loaded = load_quietly(options, progress)
    with stoppable(progress) as stopped:
        found = import_directions(loaded, request, lambda share: progress.show(f"layers · {share:.0%}"), stopped)
    paths = [_path(options.out, vector_set.origin.source, len(found.sets)) for vector_set in found.sets]
    for path, vector_set in zip(paths, found.sets, strict=True):
        save(vector_set, path)
    for sentence in found.said:
        tell(sentence)
    recipe = ",".join(f"{path}#0@1n" for path in paths)
    data = {
        "files": [str(path) for path in paths],
        "layers": [vector_set.origin.source for vector_set in found.sets],
        "vectors": [vector_set.rows for vector_set in found.sets],
        "residual_norms": [vector_set.origin.residual_norm for vector_set in found.sets],
        "left_out": list(found.said),
        "recipe": recipe,
    }
    lines = [
        f"{vector_set.rows} {'vector' if vector_set.rows == 1 else 'vectors'} at block {vector_set.origin.source} "
        f"written to {path}"
        for path, vector_set in zip(paths, found.sets, strict=True)
    ]
    return Outcome(data, "\n".join([*lines, f"add them with --steer {recipe}"]))


def _path(out: Path, layer: int, count: int) -> Path:
    """The file of a layer: --out itself where there is only one."""
    return out if count == 1 else out.with_name(f"{out.stem}-{layer}{out.suffix}")
