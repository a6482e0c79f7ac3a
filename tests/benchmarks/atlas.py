"""Atlas of all layer pairs: its error on each pair, and its cost over that of `find` on every pair.

    python -m tests.benchmarks.atlas                          the shipped model, all pairs
    python -m tests.benchmarks.atlas --model M --sample 20    another one, 20 pairs drawn

Errors are against dense Jacobians in float64. Cost is counted in rows × blocks, in floating-point operations of matrix
products (all that is done, algebra of bases included; the last block of a pair costs less, for its MLP works at the
tokens that are read alone), and timed: `find` is solved with a tolerance at which its own worst singular value is off
by 2 %, and with its default. Of a sample the cost of all pairs is taken from that of the sample, by the blocks between
its layers.
"""

from __future__ import annotations

import argparse
import datetime
import random
import sys
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.core.krylov import solve
from playground.core.operators import DenseOperator
from playground.core.settings import KrylovSettings
from playground.library import prompts as prompt_sets
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import is_organism, load
from playground.model.prompting import PromptFormat
from playground.services.atlas import atlas, atlas_request

AS_ACCURATE = 0.085
"""Tolerance of `find` at which its worst σ over all pairs is off by 2 %, on the organism and on SmolLM2."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.atlas", description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a path or a Hub id (the shipped model)")
    parser.add_argument("--vectors", type=int, default=4, help="k (default 4)")
    parser.add_argument("--prompts", type=int, default=1, help="prompts, the first of refusals (default 1)")
    parser.add_argument("--sample", type=int, help="compare with so many pairs, drawn (all)")
    parser.add_argument("--seed", type=int, default=0, help="of the atlas (default 0)")
    parser.add_argument("--threads", type=int, help="CPU threads (as many as PyTorch takes)")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    loaded = load(asked.model)
    chosen = prompt_sets.built_in()["organism-refusals" if is_organism(loaded) else "refusal-forks"]
    format = PromptFormat.of_set(chosen)
    request = atlas_request(
        loaded, prompts=chosen.texts()[: asked.prompts], format=format, vectors=asked.vectors, target_tokens=2,
        seed=asked.seed,
    )  # fmt: skip
    encoded = request.encode(loaded)
    print(f"{datetime.date.today().isoformat()}, {loaded.summary}, {torch.get_num_threads()} threads.")
    print(f"{request.pairs} pairs, k = {asked.vectors}, {len(encoded)} prompts of {max(encoded.lengths)} tokens.\n")
    with FlopCounterMode(display=False) as counter:
        result = atlas(loaded, request)
    operations = counter.get_total_flops()
    made = result.atlas
    pairs = sorted(made.places)
    some = pairs if asked.sample is None else random.Random(0).sample(pairs, min(asked.sample, len(pairs)))
    worst, energies, beyond = 0.0, [], 0
    products = {"default": 0, "as accurate": 0}
    errors, seconds, found_operations = dict.fromkeys(products, 0.0), 0.0, 0
    for pair in some:
        operator = LayerSlice.prepare(loaded, encoded, *pair, 2).jacobian()
        dense = operator.dense().double()
        exact = torch.linalg.svdvals(dense)[: asked.vectors]
        place = made.places[pair]
        error = float(((made.singular_values[place].double() - exact).abs() / exact).max())
        worst, beyond = max(worst, error), beyond + (error > 0.02)
        energies.append(float((made.vectors[place].double() @ dense.T).square().sum() / exact.square().sum()))
        for name, tolerance in (("default", 0.02), ("as accurate", AS_ACCURATE)):
            held = DenseOperator(dense.float())
            found = solve(held, KrylovSettings(asked.vectors, tolerance=tolerance, seed=asked.seed))
            products[name] += found.products * (pair[1] - pair[0])
            off = float(((found.singular_values.double() - exact).abs() / exact).max())
            errors[name] = max(errors[name], off)
        settings = KrylovSettings(asked.vectors, tolerance=AS_ACCURATE, seed=asked.seed)
        begun = time.perf_counter()
        solve(operator, settings)
        seconds += time.perf_counter() - begun
        with FlopCounterMode(display=False) as counter:
            solve(LayerSlice.prepare(loaded, encoded, *pair, 2).jacobian(), settings)
        found_operations += counter.get_total_flops()
    blocks = sum(target - source for source, target in pairs) / sum(target - source for source, target in some)
    middle = sorted(energies)[len(energies) // 2]
    print(
        f"Of {len(some)} pairs compared: worst σ off by {worst:.2%}, beyond 2 % in {beyond}; energy at least "
        f"{min(energies):.3f}, median {middle:.4f}; {result.unfinished} not converged.\n"
    )
    print("| | rows × blocks | of find's | worst σ of find |\n| --- | --- | --- | --- |")
    print(f"| atlas | {result.rows_times_blocks} | | |")
    for name, spent in products.items():
        every = spent * blocks
        print(f"| find, {name} | {every:.0f} | {result.rows_times_blocks / every:.3f} | {errors[name]:.2%} |")
    share = operations / (found_operations * blocks)
    print(f"\nOperations: {operations / 1e9:.0f} billion, {share:.3f} of find's, as accurate.")
    share = result.seconds / (seconds * blocks)
    print(f"Time: {result.seconds:.1f} s, {share:.3f} of find's products alone, as accurate.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
