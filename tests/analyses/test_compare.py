"""analyses/compare: cosines, angles and spectra equal those of plain loops, and large matrices shrink honestly."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from playground.analyses.compare.run import closest, compare, pooled
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, RowNote, now
from playground.library.vector_set import VectorSet
from playground.limits import LIMITS


def made(vectors, name="a", source=1, **values) -> VectorSet:
    origin = Origin(
        model="m", fingerprint="f", width=vectors.shape[1], block_count=4, source=source, method="random",
        residual_norm=2.0, created=now(),
    )
    return VectorSet(vectors=vectors, origin=origin, name=name, **values)


def drawn(k, d, seed=0):
    return torch.randn(k, d, generator=torch.Generator().manual_seed(seed))


def test_cosines_are_those_of_every_pair_of_rows_set_after_set():
    first, second = drawn(3, 8), drawn(2, 8, 1)
    seen = compare([(made(first), None), (made(second, "b"), None)])
    rows = [*first, *second]
    for i, left in enumerate(rows):
        for j, right in enumerate(rows):
            plain = float(torch.dot(left, right) / (left.norm() * right.norm()))
            assert float(seen.cosines[i, j]) == pytest.approx(plain, abs=1e-6)
    assert seen.starts == (0, 3)
    assert [seen.name(index) for index in (0, 2, 3)] == ["a 0", "a 2", "b 0"]


def test_angles_of_a_pair_are_those_that_the_sets_were_built_with():
    axes = torch.eye(6)
    turned = torch.stack([math.cos(0.3) * axes[0] + math.sin(0.3) * axes[2], axes[1], axes[4]])
    seen = compare([(made(axes[:2]), None), (made(turned, "b"), (0, 1))])
    assert [(pair.first, pair.second) for pair in seen.angles] == [(0, 1)]
    assert seen.angles[0].angles.tolist() == pytest.approx([0.0, 0.3], abs=1e-6)


def test_rows_keep_their_numbers_labels_and_values():
    notes = (RowNote(), RowNote(label="code"), RowNote())
    chosen = made(drawn(3, 4), notes=notes, singular_values=torch.tensor([3.0, 2.0, 1.0]))
    seen = compare([(chosen, (2, 1)), (made(drawn(2, 4, 1), "b"), None)])
    first, second = seen.sets
    assert (first.rows, first.labels, first.quantity) == ((2, 1), ("2", "1 “code”"), "singular value σ")
    assert first.spectrum.tolist() == [1.0, 2.0]
    assert second.quantity == "native norm"
    assert second.spectrum.tolist() == pytest.approx(drawn(2, 4, 1).norm(dim=1).tolist(), rel=1e-6)


def test_a_pooled_matrix_shows_the_extreme_of_each_block_and_mixes_no_sets():
    cosines, starts = drawn(50, 50), (0, 31)
    small, firsts = pooled(cosines, starts, 12)
    assert len(small) <= 12
    assert set(starts) <= set(firsts)
    for i, (a, b) in enumerate(pairwise([*firsts, 50])):
        for j, (c, d) in enumerate(pairwise([*firsts, 50])):
            block = cosines[a:b, c:d].flatten()
            assert float(small[i, j]) == float(block[block.abs().argmax()])
    assert pooled(cosines, starts, 50)[0] is cosines


def test_the_closest_pairs_are_of_different_sets_where_there_are_two():
    first = torch.eye(4)[:2]
    second = torch.stack([-first[1] + 0.1 * torch.eye(4)[2], torch.eye(4)[3]])
    (pair,) = closest(compare([(made(first), None), (made(second, "b"), None)]))
    assert pair[:2] == ("a 1", "b 0")
    alone = closest(compare([(made(second, "b"), None)]))
    assert alone == ()
    (pair,) = closest(compare([(made(torch.stack([first[0], first[0] + first[1]])), None)]))
    assert pair[:2] == ("a 0", "a 1")
    assert pair[2] == pytest.approx(math.sqrt(0.5))


def test_sets_of_other_layers_or_models_are_compared_with_a_note():
    assert compare([(made(drawn(2, 4)), None)]).notes == ()
    seen = compare([(made(drawn(2, 4)), None), (made(drawn(2, 4), "b", source=2), None)])
    assert len(seen.notes) == 1
    assert "blocks 1, 2" in seen.notes[0]


def test_what_cannot_be_compared_is_refused_with_one_sentence():
    with pytest.raises(InputError, match="1 to 12 sets"):
        compare([])
    with pytest.raises(InputError, match="one width"):
        compare([(made(drawn(2, 4)), None), (made(drawn(2, 5)), None)])
    with pytest.raises(InputError, match="from 0 to 1"):
        compare([(made(drawn(2, 4)), (2,))])
    with pytest.raises(InputError, match=f"at most {LIMITS.compared_rows} rows"):
        compare([(made(torch.ones(LIMITS.compared_rows + 1, 1)), None)])
    with pytest.raises(Cancelled):
        compare([(made(drawn(2, 4)), None)] * 2, cancelled=lambda: True)
