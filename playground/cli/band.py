"""python -m playground band: the best direction of the span of rows whose singular values are nearly equal."""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome, check_out, write_out
from playground.cli.parser import SEED, add_format, add_json, add_model, real, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import InputError
from playground.limits import at_most, limits
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.library.prompt_set import PromptSet
    from playground.library.vector_set import VectorSet
    from playground.model.load import LoadedModel
    from playground.model.prompting import PromptFormat
    from playground.services.band import BandProgress, BandRequest, BandResult, Judged

SUMMARY = "search inside a band: the best direction of the span of rows of nearly equal σ"
DESCRIPTION = (
    "Where singular values are nearly equal, their span is found and its rows are no axes of their own. Search the\n"
    "span for the direction that does most at one scale: to the next token (--kl), to a continuation (--word) or to\n"
    "the log-odds of answers (--choices). It is verified on prompts that the search did not read, beside the best of\n"
    "as many random directions of the span and the best row. The file holds it as row 0, the rows of the band after\n"
    "it. Ctrl-C keeps the best so far."
)
PROMPTS, HELD_OUT, BUDGET, TOKENS = 8, 16, 192, 16  # as in services/band, which imports torch; a test holds them equal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vectors", metavar="FILE", help="a vector set: a file, or the name of a set in vectors/")
    group = parser.add_argument_group("band")
    which = group.add_mutually_exclusive_group(required=True)
    which.add_argument("--row", metavar="I", type=whole("a row", 0), help="the band that row I is in")
    which.add_argument("--rows", metavar="ROWS", help="the span of these rows: a range like 3-7, or numbers like 3,5,6")
    group.add_argument(
        "--width", metavar="X", type=real("a width of a band", 0, 1),
        help="with --row: neighbours whose σ differ by at most this part are in one band (0.05)",
    )  # fmt: skip
    group = parser.add_argument_group("target")
    target = group.add_mutually_exclusive_group(required=True)
    target.add_argument("--kl", action="store_true", help="KL(steered ‖ baseline) of the next token, mean over prompts")
    target.add_argument("--word", metavar="TEXT", help="log p of TEXT as what the model says next, mean over prompts")
    target.add_argument(
        "--choices", metavar="SET|FILE",
        help="log-odds of the answers that show the behaviour, less the baseline's; the items are the prompts",
    )  # fmt: skip
    group.add_argument(
        "--scale", metavar="R", type=real("a relative scale", 0, limits().effect_scale, above=True),
        help="scale of what is added, relative to the set's reference norm (0.1; on the organism 0.3)",
    )  # fmt: skip
    group = parser.add_argument_group("prompts")
    group.add_argument(
        "--prompts", metavar="SET|FILE", help="a prompt set by name, or a file (the prompts that the set was found on)"
    )
    group.add_argument(
        "--search", metavar="N", default=PROMPTS, type=whole("a number of prompts", 1, limits().prompts),
        help=f"search on the first N of them ({PROMPTS})",
    )  # fmt: skip
    group.add_argument(
        "--held-out", metavar="N", default=HELD_OUT, type=whole("a number of prompts", 1, limits().prompts),
        help=f"verify on the N after these that the set was not found on ({HELD_OUT})",
    )  # fmt: skip
    add_format(group)
    group = parser.add_argument_group("search")
    group.add_argument(
        "--budget", metavar="N", default=BUDGET, type=whole("a budget", 1, limits().evaluations),
        help=f"directions that are tried, and as many random ones ({BUDGET}; {at_most(limits().evaluations)})",
    )  # fmt: skip
    group.add_argument("--seed", metavar="N", type=SEED, default=0, help="seed of the directions (0)")
    group.add_argument(
        "--new-tokens", metavar="N", default=TOKENS, type=whole("a number of new tokens", 0, limits().look_tokens),
        help=f"length of the text that is written with what was found; 0 for none ({TOKENS})",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="file to write (.safetensors)")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    if options.width is not None and options.row is None:
        raise InputError("Expected --width with --row, whose band it bounds, got it with --rows; leave it out.")
    if options.choices is not None and options.prompts is not None:
        raise InputError("Expected --choices without --prompts, as its items are the prompts, got both; leave one out.")
    check_out(options.out, "band.safetensors")
    from playground.cli.models import load_for
    from playground.library import vector_set as files
    from playground.library.store import open_set
    from playground.services.band import search_band

    vector_set = open_set(options.vectors)
    rows = _rows(options, vector_set)
    prompts, format = _prompts(options, vector_set)
    _request(options, vector_set, rows, prompts, format, 0.1)  # refused before the model is loaded
    progress = Progress()
    loaded = load_for(options, vector_set, progress)
    request = _request(options, vector_set, rows, prompts, format, _usual_scale(loaded))
    with stoppable(progress) as stopped:
        result = search_band(loaded, request, lambda event: progress.show(_line(event)), stopped)
    write_out(options.out, partial(files.save, result.vector_set))
    if result.cancelled:
        tell(f"stopped after {result.evaluations} directions; {options.out} holds the best of them.")
    return Outcome(_data(options.out, result), _text(options.out, result), interrupted=stopped())


def _rows(options: argparse.Namespace, vector_set: VectorSet) -> tuple[int, ...]:
    from playground.library.rows import check_rows, read_rows
    from playground.services.band import band_of

    if options.row is None:
        return check_rows(vector_set, read_rows(options.rows, vector_set))
    return band_of(vector_set, options.row, *([] if options.width is None else [options.width]))


def _prompts(options: argparse.Namespace, vector_set: VectorSet) -> tuple[PromptSet, PromptFormat]:
    """The set that prompts are dealt out of, and its format; without one named, `own_prompts`. Raises FileError and
    InputError.
    """
    from playground.cli.prompts import format_of, tell_notes
    from playground.library import prompts
    from playground.services import set_prompts
    from playground.services.band import own_prompts

    named = options.choices or options.prompts
    if named is not None:
        prompt_set = prompts.read(named)
        tell_notes(prompt_set)
        return prompt_set, format_of(options, prompt_set)
    own = own_prompts(vector_set)
    given = (options.raw, options.chat, options.thinking, options.system is not None, options.date is not None)
    return own, format_of(options, own) if any(given) else set_prompts.format_of(vector_set.origin)


def _request(
    options: argparse.Namespace,
    vector_set: VectorSet,
    rows: tuple[int, ...],
    prompts: PromptSet,
    format: PromptFormat,
    scale: float,
) -> BandRequest:
    from playground.services.band import BandRequest, dealt

    search, held_out = dealt(prompts, options.search, options.held_out, vector_set.origin.prompts)
    return BandRequest(
        source_set=vector_set, rows=rows, search=search, held_out=held_out, word=options.word, format=format,
        target="kl" if options.kl else "choices" if options.choices is not None else "word",
        scale=scale if options.scale is None else options.scale, budget=options.budget, seed=options.seed,
        tokens=options.new_tokens,
    )  # fmt: skip


def _usual_scale(loaded: LoadedModel) -> float:
    from playground.services.atlas.effects import usual_scale

    return usual_scale(loaded)


def _line(event: BandProgress) -> str:
    best = "" if event.value == -math.inf else f" · best {event.value:.3g}, random {event.random_value:.3g}"
    return f"{event.evaluations} of {event.budget} directions{best}{to_go(event)}"


def _data(out: Path, result: BandResult) -> dict[str, Any]:
    """The object that --json prints; values of the target in nats, null where they are not finite."""
    request = result.request
    return {
        "file": str(out),
        "rows": list(request.rows),
        "target": request.target,
        "word": request.word,
        "scale": request.scale,
        "norm": request.scale * request.source_set.origin.residual_norm,
        "search_prompts": len(request.search.items),
        "held_out_prompts": len(request.held_out.items),
        "budget": request.budget,
        "evaluations": result.evaluations,
        "seed": request.seed,
        "found": {**_judged(result.found), "cosines": result.cosines.tolist()},
        "random": _judged(result.random),
        "best_row": {"row": result.row, "sign": result.sign, **_judged(result.best_row)},
        "baseline": _judged(result.baseline),
        "ahead": result.ahead,
        "gain": result.gain if math.isfinite(result.gain) else None,
        "seconds": result.seconds,
    }


def _judged(judged: Judged) -> dict[str, Any]:
    values = {"search": judged.search, "held_out": judged.held_out}
    finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return {**finite, "text": judged.text, "noise": judged.noise}


def _text(out: Path, result: BandResult) -> str:
    """The target on both sets of prompts as a table, texts beside it, and what the verification says."""
    request = result.request
    called = f"row {result.row} {'+' if result.sign > 0 else '−'}"
    lines = [
        f"{request.target_name} in the span of rows {', '.join(map(str, request.rows))} at relative {request.scale:g}",
        f"{'':14}{'search':>9}{'held out':>10}",
    ]
    for name, judged in (
        ("found", result.found), ("best random", result.random), (called, result.best_row),
        ("no push", result.baseline),
    ):  # fmt: skip
        text = "" if judged.text is None else f"  {'noise: ' if judged.noise else ''}{ascii(judged.text)}"
        lines.append(f"{name:14}{judged.search:9.3f}{judged.held_out:10.3f}{text}")
    lines += [result.verdict, f"written to {out}, as row 0"]
    return "\n".join(lines)
