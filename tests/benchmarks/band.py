"""Whether a search inside a band finds more than random directions of it: figures for assets/docs/MATHEMATICS.md.

    python -m tests.benchmarks.band [SET] [--model M] [--rows 7-11 0-11 ...] [--scales 0.3 ...] [--words class ...]
        [--choices SET ...] [--prompts SET] [--seeds N]

For every band, target, scale and seed, which shuffles the prompts too: the target on held-out prompts for what was
found, the best of as many random directions, and the best row; how often the first is ahead, and by how much.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace

from playground.library import prompts as prompt_sets
from playground.library.prompt_set import PromptSet
from playground.library.rows import read_rows
from playground.library.store import open_set
from playground.model.load import load
from playground.model.prompting import PromptFormat
from playground.services.band import BandRequest, BandResult, dealt, search_band
from playground.services.band.request import BUDGET, HELD_OUT, PROMPTS


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", nargs="?", default="organism-refusals-power-3-9")
    parser.add_argument("--model")
    parser.add_argument("--rows", nargs="+", default=["7-11", "0-11"])
    parser.add_argument("--scales", nargs="+", type=float, default=[0.3])
    parser.add_argument("--words", nargs="*", default=["class"])
    parser.add_argument("--choices", nargs="*", default=["organism-comply-choices"])
    parser.add_argument("--prompts", help="set of the prompts for words and KL (that of the vectors)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=int, default=BUDGET)
    options = parser.parse_args(words)
    vector_set, loaded = open_set(options.set), load(options.model)
    own = prompt_sets.read(options.prompts or vector_set.origin.prompt_set)
    targets: list[tuple[str, str | None, PromptSet]] = [("kl", None, own)]
    targets += [("word", word, own) for word in options.words]
    targets += [("choices", None, prompt_sets.read(name)) for name in options.choices]
    heads = ("rows", "target", "scale", "no push", "best row", "random", "found", "over random", "over row", "noise")
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for rows in options.rows:
        for target, word, prompts in targets:
            for scale in options.scales:
                results = []
                for seed in range(options.seeds):
                    items = list(prompts.items)
                    random.Random(seed).shuffle(items)
                    search, held_out = dealt(
                        replace(prompts, items=tuple(items)), PROMPTS, HELD_OUT, vector_set.origin.prompts
                    )
                    request = BandRequest(
                        source_set=vector_set, rows=read_rows(rows, vector_set) or tuple(range(vector_set.rows)),
                        target=target, word=word, search=search, held_out=held_out, scale=scale, seed=seed,
                        format=PromptFormat.of_set(prompts), budget=options.budget,
                    )  # fmt: skip
                    results.append(search_band(loaded, request))
                print(_line(rows, results), flush=True)
    return 0


def _line(rows: str, results: Sequence[BandResult]) -> str:
    """Means over seeds on held-out prompts; on the prompts of the search in brackets."""
    kinds = ("baseline", "best_row", "random", "found")
    judged = [[getattr(result, kind) for result in results] for kind in kinds]
    values = [
        f"{statistics.mean(one.held_out for one in own):.2f} ({statistics.mean(one.search for one in own):.2f})"
        for own in judged
    ]
    ahead = [
        f"{sum(result.found.held_out > getattr(result, kind).held_out for result in results)} of {len(results)}, "
        f"{statistics.mean(result.found.held_out - getattr(result, kind).held_out for result in results):+.2f}"
        for kind in ("random", "best_row")
    ]
    noise = " ".join(str(sum(bool(one.noise) for one in own)) for own in judged[1:])
    request = results[0].request
    return f"| {' | '.join([rows, request.target_name, f'{request.scale:g}', *values, *ahead, noise])} |"


if __name__ == "__main__":
    sys.exit(main())
