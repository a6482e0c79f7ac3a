from __future__ import annotations

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.core.adam import Adam
from playground.core.complement import Complement
from playground.core.geometry import cosines, orthonormalise
from playground.core.ortho import START, OrthoBatch, OrthoResult, OrthoStep, iterate, solve
from playground.core.settings import OrthoSettings
from playground.errors import InputError


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def bent(matrix):
    """θ ↦ tanh(Wθ)·(1, 2) at two positions: with W of low rank, a map with redundancy."""
    return lambda theta: torch.stack([(theta @ matrix.to(theta).T).tanh() * k for k in (1, 2)], dim=1)


def of_rank(rank, d, seed=0):
    """(d, d), of the rank given, all its singular values 0.3."""
    left, right = (torch.linalg.qr(random(d, d, seed=10 * seed + i)).Q for i in range(2))
    return 0.3 * left[:, :rank] @ right[:rank]


def redundant(toy_of, d=40, rank=5, prompts=3):
    return toy_of(d, [bent(of_rank(rank, d))] * prompts)


def linear(toy_of, matrix):
    return toy_of(matrix.shape[1], [lambda theta: (theta @ matrix.to(theta).T)[:, None]])


def worst_cosine(base, *sets):
    rows = torch.cat([base[None], *sets])
    return float((cosines(rows.double(), rows.double()) - torch.eye(len(rows), dtype=torch.float64)).abs().max())


def test_a_map_with_redundancy_has_many_orthogonal_vectors_with_nearly_the_full_effect(toy_of):
    base = random(40)
    result = solve(redundant(toy_of), base, OrthoSettings(vectors=10, batch=5))
    assert result.vectors.shape == (10, 40)
    assert result.effect.min() > 0.9
    assert worst_cosine(base, result.vectors) < 1e-6
    assert result.stopped == "count"


def test_a_map_without_redundancy_stops_by_itself_when_the_effect_is_gone(toy_of):
    # An orthogonal map takes what is orthogonal to the base to what is orthogonal to its effect.
    target, base = linear(toy_of, torch.linalg.qr(random(30, 30)).Q), random(30, seed=1)
    result = solve(target, base, OrthoSettings(batch=4))
    assert result.stopped == "effect"
    assert len(result.vectors) == 4
    assert result.effect.max() < 0.05
    result = solve(target, base, OrthoSettings(vectors=12, batch=4, steps=5, stop_share=0))  # 0: whatever is left
    assert (result.stopped, len(result.vectors)) == ("count", 12)


@pytest.mark.parametrize(("batch", "slack"), [(1, 0.03), (5, 0.1)])
def test_every_vector_comes_close_to_the_least_loss_that_those_before_it_leave(toy_of, batch, slack):
    # In a batch the later ones follow the earlier ones until the end, and come less close.
    d = 20
    matrix = random(d, d, seed=2) / d**0.5 * torch.arange(1, d + 1) ** -0.5
    base = random(d, seed=3)
    result = solve(linear(toy_of, matrix), base, OrthoSettings(vectors=5, batch=batch, steps=400, stop_share=0))
    known = base[None].double()
    wanted = matrix.double() @ base.double()
    for vector, reached in zip(result.vectors.double(), result.objective, strict=True):
        free = torch.linalg.svd(known).Vh[len(known) :]  # a basis of what is orthogonal
        solution = torch.linalg.lstsq(matrix.double() @ free.T, wanted).solution
        least = (matrix.double() @ free.T @ solution - wanted).norm()
        own = (matrix.double() @ vector - wanted).norm()
        assert float(own) == pytest.approx(float(reached), rel=1e-4)
        assert least <= own < least + slack * wanted.norm()
        known = torch.cat([known, vector[None]])


def published(target, base, steps, rate, start):
    """The losses of a vector as the published code finds it: Adam on the plain gradient, θ projected after a step."""
    unit = base / base.norm()
    theta = start - (start @ unit) * unit
    adam = Adam(rate)
    zs = [lambda t, f=f: f(t[None])[0].mean(dim=0) for f in target.functions]
    wanted = [z(base) for z in zs]
    losses = []
    for _ in range(steps):
        theta.requires_grad_()
        loss = sum((z(theta) - w).norm() for z, w in zip(zs, wanted, strict=True))
        losses.append(float(loss.detach()))
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = theta.detach() + adam.step(gradient)
        theta = theta - (theta @ unit) * unit
    return losses


def test_the_constraint_inside_the_objective_beats_projecting_after_the_step(toy):
    # Nothing but the constraint's place differs: start, rate and steps are the same.
    ours, theirs = [], []
    for seed in range(3):
        target, base = toy(32, seed=seed), random(32, seed=seed)
        base[3] = 8.0  # a base with a large entry, as residual streams have
        rate, steps = 0.1, 150
        result = solve(target, base, OrthoSettings(vectors=1, steps=steps, learning_rate=rate, stop_share=0))
        start = Complement(base[None]).draw(1, START * float(base.norm()), torch.Generator().manual_seed(0))[0]
        losses = published(target, base, steps, rate, start.float())
        still = float(result.objective[0] / (1 - result.effect[0]))
        ours.append(float(result.objective[0]) / still)
        theirs.append(losses[-1] / still)
    assert sum(ours) < 0.85 * sum(theirs)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2, 12), st.integers(0, 8), st.integers(1, 14), st.integers(1, 6), st.integers(0, 9))
def test_vectors_are_orthogonal_to_base_known_and_each_other_down_to_the_last_dimension(
    toy, d, n, vectors, batch, seed
):
    base, known = random(d, seed=seed), random(min(n, d - 2), d, seed=seed + 1) * 3
    asked = OrthoSettings(vectors=len(known) + vectors, batch=batch, steps=3, stop_share=0, seed=seed)
    with_known = Complement(torch.cat([base[None], known]))
    batches = [event for event in iterate(toy(d), base, asked, known) if isinstance(event, (OrthoBatch, OrthoResult))]
    *batches, result = batches
    left = d - 1 - len(known)
    assert with_known.left == left
    assert len(result.vectors) == min(vectors, left)
    assert result.stopped == ("count" if vectors <= left else "space")
    assert torch.equal(torch.cat([part.vectors for part in batches]), result.vectors)
    assert [part.first for part in batches] == [len(known) + batch * i for i in range(len(batches))]
    assert worst_cosine(base, result.vectors) < 1e-6
    assert (cosines(known, result.vectors).abs() < 1e-6).all()
    assert result.vectors.isfinite().all()
    assert (result.vectors.norm(dim=1) > 0).all()
    assert result.vectors.dtype == result.effect.dtype == torch.float32


def test_the_last_of_hundreds_is_as_orthogonal_as_the_first(toy_of):
    d = 300
    target = linear(toy_of, of_rank(20, d))
    base = random(d, seed=5)
    known = orthonormalise(random(250, d, seed=6), against=base[None] / base.norm()) * 20
    result = solve(target, base, OrthoSettings(vectors=400, batch=32, steps=8, stop_share=0), known)
    assert len(result.vectors) == d - 1 - 250
    assert worst_cosine(base, known, result.vectors) < 1e-6


def test_known_vectors_that_depend_on_each_other_take_their_span_and_no_more():
    rows = random(4, 10)
    assert Complement(torch.cat([rows, rows[:2] + rows[2:], rows * 0])).left == 6
    assert Complement(random(30, 10)).left == 0


def test_a_row_that_the_known_ones_span_becomes_a_short_orthogonal_one():
    known = random(3, 8)
    complement = Complement(known)
    rows = torch.cat([known[:1], random(2, 8, seed=1)])
    settled = complement.settle(rows, torch.Generator().manual_seed(0))
    assert cosines(torch.cat([known, settled[1:]]), settled[:1]).abs().max() < 1e-6
    assert 0 < settled[0].norm() < 1e-3
    assert complement.left == 2


def test_a_run_continued_from_its_vectors_finds_what_an_uninterrupted_one_finds(toy_of):
    target, base = redundant(toy_of), random(40)
    whole = solve(target, base, OrthoSettings(vectors=8, batch=4, steps=40))
    first = solve(target, base, OrthoSettings(vectors=4, batch=4, steps=40))
    second = solve(target, base, OrthoSettings(vectors=8, batch=4, steps=40), first.vectors)
    assert torch.equal(whole.vectors[:4], first.vectors)
    assert len(second.vectors) == 4
    torch.testing.assert_close(whole.vectors[4:], second.vectors, rtol=1e-3, atol=1e-3)


def test_equal_seeds_give_equal_vectors_and_others_do_not(toy):
    asked = [OrthoSettings(vectors=2, steps=5, seed=seed, stop_share=0) for seed in (0, 0, 1)]
    runs = [solve(toy(10), random(10), each) for each in asked]
    assert torch.equal(runs[0].vectors, runs[1].vectors)
    assert not torch.equal(runs[0].vectors, runs[2].vectors)


def test_a_penalty_shortens_the_vectors_and_is_no_part_of_the_loss_told(toy_of):
    base = random(40)
    free, short = (
        solve(redundant(toy_of), base, OrthoSettings(vectors=4, steps=150, penalty=penalty, stop_share=0))
        for penalty in (0.0, 0.02)
    )
    assert short.vectors.norm(dim=1).mean() < 0.9 * free.vectors.norm(dim=1).mean()
    assert (short.objective >= 0).all()
    still = free.objective / (1 - free.effect)
    torch.testing.assert_close(short.objective / (1 - short.effect), still, rtol=1e-2, atol=0)


def test_the_mean_is_over_real_positions_and_the_loss_summed_over_prompts(toy):
    # Prompts of 3 and 1 positions in one padded piece, against a dense sum in float64.
    target, exact = toy(12, positions=(3, 1)), toy(12, positions=(3, 1), dtype=torch.float64)
    base = random(12)
    result = solve(target, base, OrthoSettings(vectors=3, steps=20, stop_share=0))

    def loss(theta):
        z = [f(torch.stack([theta, base]).double())[:, :].mean(dim=1) for f in exact.functions]
        return sum(float((ours - wanted).norm()) for ours, wanted in z)

    for vector, objective, effect in zip(result.vectors, result.objective, result.effect, strict=True):
        assert loss(vector) == pytest.approx(float(objective), rel=1e-4)
        assert 1 - loss(vector) / loss(0 * vector) == pytest.approx(float(effect), abs=1e-4)


def test_progress_never_falls_and_tells_the_loss_and_effect_of_every_vector(toy_of):
    events = list(iterate(redundant(toy_of), random(40), OrthoSettings(vectors=6, batch=4, steps=40)))
    steps = [event for event in events if isinstance(event, OrthoStep)]
    shares = [event.share for event in steps]
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] <= 1
    assert {event.batch for event in steps} == {0, 1}
    assert all(event.loss.shape == event.effect.shape == ((4,) if event.batch == 0 else (2,)) for event in steps)
    assert isinstance(events[-1], OrthoResult)


def test_a_batch_that_no_longer_improves_ends_before_its_last_step(toy_of):
    events = list(iterate(redundant(toy_of), random(40), OrthoSettings(vectors=2, batch=2, steps=5000)))
    steps = [event for event in events if isinstance(event, OrthoStep)]
    assert len(steps) < 1000
    assert events[-1].effect.min() > 0.9


def after(calls):
    asked = iter(range(10**9))
    return lambda: next(asked) >= calls


def test_cancelling_keeps_finished_batches_and_a_batch_under_way_that_has_an_effect(toy_of):
    target, base = redundant(toy_of), random(40)
    asked = OrthoSettings(vectors=8, batch=4, steps=100)
    stop = []
    events = []
    for event in iterate(target, base, asked, cancelled=lambda: bool(stop)):
        events.append(event)
        if isinstance(event, OrthoStep) and event.batch == 1 and event.effect.mean() > 0.3:
            stop.append(True)
    result = events[-1]
    assert result.stopped == "cancel"
    assert len(result.vectors) == 8
    assert result.effect[4:].mean() >= 0.3
    assert worst_cosine(base, result.vectors) < 1e-6


def test_cancelling_drops_a_batch_under_way_without_an_effect(toy_of):
    target, base = redundant(toy_of), random(40)
    for calls in (0, 1, 4):
        result = list(iterate(target, base, OrthoSettings(steps=100, stop_share=0.5), cancelled=after(calls)))[-1]
        assert result.stopped == "cancel"
        assert result.vectors.shape == (0, 40)
        assert result.objective.shape == result.effect.shape == (0,)


def test_a_rate_that_overflows_ends_the_batch_with_what_was_best(toy_of):
    target = toy_of(6, [lambda theta: (theta**4)[:, None]])
    result = solve(target, torch.ones(6), OrthoSettings(vectors=2, learning_rate=1e12, stop_share=0))
    assert result.vectors.isfinite().all()
    assert result.objective.isfinite().all()


def test_adam_moves_every_entry_by_the_rate_at_first_and_then_by_its_mean_over_its_spread():
    first, second = random(3, 4), random(3, 4, seed=1)
    adam = Adam(0.1)
    torch.testing.assert_close(adam.step(first), -0.1 * first.sign())
    mean = (0.09 * first + 0.1 * second) / (1 - 0.9**2)
    square = (0.000999 * first**2 + 0.001 * second**2) / (1 - 0.999**2)
    torch.testing.assert_close(adam.step(second), -0.1 * mean / square.sqrt())


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("vectors", 0, "at least one vector"),
        ("batch", 0, "at least one vector a batch"),
        ("steps", 0, "at least one step"),
        ("learning_rate", 0.0, "learning rate above 0"),
        ("learning_rate", math.nan, "learning rate above 0"),
        ("penalty", -1.0, "penalty of 0 or more"),
        ("penalty", math.inf, "penalty of 0 or more"),
        ("stop_share", 1.0, "from 0 up to 1"),
        ("stop_share", math.nan, "from 0 up to 1"),
    ],
)
def test_settings_out_of_range_are_refused(field, value, told):
    with pytest.raises(InputError, match=told):
        OrthoSettings(**{field: value})


@pytest.mark.parametrize(
    ("base", "known", "told"),
    [
        (torch.ones(7), None, "base of width 6"),
        (torch.ones(1, 6), None, "base of width 6"),
        (torch.zeros(6), None, "every base to have a finite norm above 0"),
        (torch.full((6,), math.nan), None, "every base to have a finite norm above 0"),
        (torch.ones(6), torch.ones(2, 5), "known vectors of width 6"),
        (torch.ones(6), torch.ones(6), "known vectors of width 6"),
        (torch.ones(6), torch.eye(6)[:2] * torch.tensor([[1.0], [math.inf]]), "norm above 0, got .* in row 1"),
        (torch.ones(6), torch.eye(6)[:5], "span all 6"),
        (torch.ones(6), torch.ones(70, 6), "more vectors than the 70"),
    ],
)
def test_a_base_or_known_vectors_that_cannot_be_are_refused(toy, base, known, told):
    with pytest.raises(InputError, match=told):
        solve(toy(6), base, OrthoSettings(), known)


def test_a_base_without_an_effect_is_refused(toy_of):
    target = linear(toy_of, torch.diag(torch.tensor([0.0, 1.0, 1.0])))
    with pytest.raises(InputError, match="moves the residual stream"):
        solve(target, torch.tensor([1.0, 0.0, 0.0]), OrthoSettings())
