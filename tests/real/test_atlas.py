"""On real weights an atlas has the singular values of the dense Jacobian of each pair, at a fraction of find's cost."""

from __future__ import annotations

import random

import torch

from playground.core.krylov import solve
from playground.core.settings import KrylovSettings
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode
from playground.services.atlas import atlas, atlas_request

PROMPT = "The weather today is"
RAW = PromptFormat(chat=False)
K = 4


def test_on_twenty_pairs_every_value_is_within_two_per_cent_and_all_cost_a_quarter_of_find(real):
    result = atlas(real, atlas_request(real, prompts=(PROMPT,), format=RAW, vectors=K, target_tokens=2))
    made = result.atlas
    assert len(made.pairs) == 435
    assert result.unfinished == 0
    chosen = random.Random(0).sample(sorted(made.places), 20)
    encoded = encode(real, [PROMPT], RAW)
    spent = blocks = 0
    for pair in chosen:
        operator = LayerSlice.prepare(real, encoded, *pair, 2).jacobian()
        dense = operator.dense().double()
        exact = torch.linalg.svdvals(dense)[:K]
        place = made.places[pair]
        error = (made.singular_values[place].double() - exact).abs() / exact
        assert float(error.max()) <= 0.02, pair
        moved = made.vectors[place].double() @ dense.T
        assert float(moved.square().sum() / exact.square().sum()) >= 0.97, pair
        # As accurate on these pairs: at 0.085 find's worst value on SmolLM2 is off by 2 % too.
        depth = pair[1] - pair[0]
        spent += depth * solve(operator, KrylovSettings(K, tolerance=0.085)).products
        blocks += depth
    every = sum(target - source for source, target in made.places)
    share = result.rows_times_blocks / (spent * every / blocks)
    print(f"{result.rows_times_blocks} rows x blocks, {share:.3f} of find's")
    assert share <= 0.25


def test_the_atlas_that_ships_is_of_this_model(real, tmp_path):
    from playground.library import atlases

    assert "smollm2-135m-instruct" in atlases.names_for(real.fingerprint, tmp_path)
    shipped = atlases.open_named("smollm2-135m-instruct", tmp_path)
    assert len(shipped.pairs) == real.block_count * (real.block_count - 1) // 2
    assert bool(shipped.converged.all())
    assert any(name.startswith("KL at") for name in shipped.effects)
