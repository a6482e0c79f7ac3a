from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.core.contrast import random_directions
from playground.core.displacement import displacement
from playground.core.melbo import MelboResult, MelboStep, iterate, solve
from playground.core.settings import MELBO_RATE, PUBLISHED_RATE, MelboSettings
from playground.core.sphere import off_earlier, ordered, tangent
from playground.errors import InputError

COSINE = 1e-4  # what is asked of vectors that are called orthogonal
RADIUS = 1e-6  # … relative, of the radius: rounding to float32 leaves less


def one_by_one(target, s, start, p=2.0, q=2.0):
    """The published loop in float64: every vector by itself, AdamW written out, projected off the finished ones."""
    zero = torch.zeros(1, target.width, dtype=torch.float64)
    done = torch.empty(0, target.width, dtype=torch.float64)

    def on_sphere(theta, done):
        theta = theta - theta @ done.T @ done / s.radius**2
        return s.radius * theta / theta.norm()

    for row in start.double():
        theta = on_sphere(row, done)
        mean, square, peak = torch.zeros(3, target.width, dtype=torch.float64)
        for step in range(1, s.steps + 1):
            theta.requires_grad_()
            tokens = [(f(theta[None]) - f(zero))[0].norm(dim=1) for f in target.functions]
            objective = sum((norms**p).sum() ** (1 / q) for norms in tokens)
            (gradient,) = torch.autograd.grad(objective, theta)
            theta = theta.detach()
            gradient = gradient - gradient @ done.T @ done / s.radius**2
            gradient = gradient - (gradient @ theta) * theta / s.radius**2
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.98 * square + 0.02 * gradient**2
            peak = torch.maximum(peak, square)
            scale = (peak / (1 - 0.98**step)).sqrt() + 1e-8
            theta = on_sphere(theta + s.rate(target.width) * mean / (1 - 0.9**step) / scale, done)
        done = torch.cat([done, theta[None]])
    return done


def check(result, k, radius):
    unit = result.vectors.double() / radius
    assert result.vectors.dtype == torch.float32
    assert (unit.norm(dim=1) - 1).abs().max() < RADIUS
    assert (unit @ unit.T - torch.eye(k)).abs().max() < COSINE


def test_batches_move_as_far_as_vectors_trained_one_by_one_for_as_many_steps(toy):
    """Over three maps: which of several hills a vector ends on is chance, for either way."""
    reached, reference = [], []
    for seed in range(3):
        exact = toy(16, seed=seed, dtype=torch.float64)
        s = MelboSettings(radius=0.1, vectors=4, steps=60, learning_rate=0.003, seed=seed)
        result = solve(toy(16, seed=seed), s)
        check(result, 4, s.radius)
        reached.append(result.displacement.mean())
        reference.append(displacement(exact, one_by_one(exact, s, random_directions(4, 16, seed))).mean())
    assert sum(reached) >= 0.99 * sum(reference)


@pytest.mark.parametrize(("p", "q"), [(2.0, 2.0), (4.0, 1.0), (1.0, 1.0), (3.0, 0.5)])
def test_one_vector_follows_the_published_loop_step_by_step(toy, p, q):
    s = MelboSettings(radius=0.8, vectors=1, steps=40, p=p, q=q, learning_rate=0.01)
    exact = toy(12, dtype=torch.float64)
    reference = one_by_one(exact, s, random_directions(1, 12, 0), p, q)
    result = solve(toy(12), s)
    torch.testing.assert_close(result.vectors.double(), reference, rtol=0, atol=1e-3 * s.radius)


def test_the_first_vectors_do_not_know_the_later_ones(toy):
    few, many = (solve(toy(16), MelboSettings(radius=1.0, vectors=k, steps=60)) for k in (2, 7))
    torch.testing.assert_close(few.vectors, many.vectors[:2], rtol=0, atol=2e-4)


@pytest.mark.parametrize("radius", [0.1, 2.5])
def test_a_linear_map_gives_its_singular_vectors_times_the_radius(toy_of, radius):
    generator = torch.Generator().manual_seed(3)
    left = torch.linalg.qr(torch.randn(14, 10, generator=generator)).Q
    rows = torch.linalg.qr(torch.randn(10, 10, generator=generator)).Q
    sigma = 5 * 0.6 ** torch.arange(10)
    matrix = (left * sigma) @ rows
    target = toy_of(10, [lambda theta: _spread(theta, matrix)])
    result = solve(target, MelboSettings(radius=radius, vectors=3, steps=250, learning_rate=0.01 * radius))
    torch.testing.assert_close(result.displacement, radius * sigma[:3], rtol=2e-3, atol=0)
    torch.testing.assert_close((result.vectors / radius * rows[:3]).sum(dim=1).abs(), torch.ones(3), rtol=0, atol=2e-3)


def _spread(theta, matrix):
    """The 14 outputs of a matrix as two positions of width 10, the rest zeros."""
    return torch.nn.functional.pad(theta @ matrix.T, (0, 6)).unflatten(1, (2, 10))


def test_objective_is_the_formula_and_displacement_the_root_mean_square_over_prompts(toy):
    exact = toy(10, positions=(3, 1, 2), dtype=torch.float64)
    zero = torch.zeros(1, 10, dtype=torch.float64)
    for p, q in ((2.0, None), (4.0, 1.0), (1.5, 3.0)):
        result = solve(toy(10, positions=(3, 1, 2)), MelboSettings(radius=1.0, vectors=2, steps=3, p=p, q=q))
        moved = [f(result.vectors.double()) - f(zero) for f in exact.functions]
        formula = sum((m.norm(dim=2) ** p).sum(dim=1) ** (1 / (p if q is None else q)) for m in moved)
        spread = (sum(m.square().sum(dim=(1, 2)) for m in moved) / 3).sqrt()
        torch.testing.assert_close(result.objective.double(), formula, rtol=1e-5, atol=0)
        torch.testing.assert_close(result.displacement.double(), spread, rtol=1e-5, atol=0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    d=st.integers(1, 9), share=st.floats(0, 1), radius=st.floats(0.01, 50), p=st.floats(1, 6),
    q=st.none() | st.floats(0.3, 6), restarts=st.integers(1, 3), rate=st.floats(1e-4, 3), seed=st.integers(0, 99),
)  # fmt: skip
def test_radius_is_exact_and_vectors_orthogonal_whatever_the_settings(
    toy, d, share, radius, p, q, restarts, rate, seed
):
    k = 1 + round(share * (d - 1))
    s = MelboSettings(
        radius=radius, vectors=k, steps=4, p=p, q=q, restarts=restarts, learning_rate=rate * radius, seed=seed
    )
    *steps, result = iterate(toy(d, positions=(2, 1)), s)
    check(result, k, radius)
    assert all(torch.isfinite(step.objective).all() for step in steps)
    assert torch.isfinite(result.displacement).all()


def test_more_vectors_than_the_map_moves_are_still_orthogonal(toy_of):
    target = toy_of(6, [lambda theta: theta[:, None, :] * torch.tensor([2.0, 1, 0, 0, 0, 0])])
    result = solve(target, MelboSettings(radius=3.0, vectors=6, steps=200))
    check(result, 6, 3.0)
    torch.testing.assert_close(result.displacement[:2], torch.tensor([6.0, 3.0]), rtol=0.01, atol=0)
    assert result.displacement[2:].max() < 0.5


def test_an_effect_at_no_token_leaves_the_start_where_it_is(toy_of):
    still = toy_of(5, [lambda theta: torch.zeros(len(theta), 2, 5) + 0 * theta[:, None]])
    result = solve(still, MelboSettings(radius=2.0, vectors=3, steps=5, p=1.0))
    check(result, 3, 2.0)
    assert torch.equal(result.objective, torch.zeros(3))


def test_restarts_find_the_higher_of_two_hills(toy_of):
    """Moves 1 along −e₀ and 3 along +e₀: a start on the wrong side cannot cross over."""

    def hill(theta):
        along = theta[:, :1]
        return (torch.where(along > 0, 3 * along, along) ** 2 + 0 * theta)[:, None]

    s = MelboSettings(radius=1.0, vectors=1, steps=20)
    reached = [float(solve(toy_of(2, [hill]), replace(s, seed=seed)).displacement) for seed in range(6)]
    assert min(reached) < 2  # some start on the low side
    best = solve(toy_of(2, [hill]), replace(s, restarts=6))
    assert float(best.displacement) > 0.98 * max(reached)


@pytest.mark.parametrize("seed", range(3))
def test_restarts_do_not_lose_what_the_first_candidates_reach(toy, seed):
    target, s = toy(16, seed=seed), MelboSettings(radius=2.0, vectors=4, steps=40, seed=seed)
    plain, restarted = solve(target, s), solve(target, replace(s, restarts=4))
    check(restarted, 4, 2.0)
    assert restarted.displacement[0] >= 0.999 * plain.displacement[0]
    assert restarted.objective.mean() >= 0.97 * plain.objective.mean()


def test_a_quarter_of_the_steps_chooses_and_the_rest_run_the_best_alone(toy):
    target = toy(8, positions=(2,))
    solve(target, MelboSettings(radius=1.0, vectors=2, steps=8, restarts=5))
    assert target.runs == [10] * 2 + [2] * 7


def test_start_vectors_begin_the_first_and_random_ones_the_rest(toy):
    rows = random_directions(5, 8, seed=9)
    first = next(iterate(toy(8), MelboSettings(radius=1.0, vectors=3, steps=2), start=rows[:2] * 7))
    begin = ordered(torch.cat([rows[:2], random_directions(3, 8, 0)[2:]])[None], torch.zeros(3, dtype=torch.int64))
    torch.testing.assert_close(first.displacement, displacement(toy(8), begin[1].float()))


def test_equal_seeds_give_equal_bits_and_other_seeds_other_vectors(toy):
    runs = [solve(toy(9), MelboSettings(radius=1.0, vectors=3, steps=5, seed=seed)).vectors for seed in (4, 4, 5)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_events_count_up_and_end_with_the_result(toy):
    *steps, result = iterate(toy(12), MelboSettings(radius=1.0, vectors=4, steps=30))
    assert all(isinstance(step, MelboStep) for step in steps)
    assert [step.step for step in steps] == list(range(1, 31))
    assert [step.share for step in steps] == [step / 30 for step in range(1, 31)]
    assert all(earlier.seconds <= later.seconds for earlier, later in pairwise(steps))
    assert all(step.objective.shape == step.displacement.shape == (4,) for step in steps)
    assert isinstance(result, MelboResult)
    assert (result.steps, result.cancelled) == (30, False)
    assert result.displacement.mean() > steps[0].displacement.mean()


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("runs", [1, 2, 3, 5, 8, 9])
def test_a_cancel_returns_the_vectors_last_evaluated(toy, restarts, runs):
    target = toy(6, positions=(1, 2), together=1)
    s = MelboSettings(radius=2.0, vectors=3, steps=4, restarts=restarts)
    *steps, result = iterate(target, s, cancelled=lambda: len(target.runs) >= runs)
    assert result.cancelled
    evaluated = runs // 2
    if evaluated == 0:
        assert result.vectors.shape == (0, 6)
        assert result.objective.shape == result.displacement.shape == (0,)
        return
    assert (result.steps, len(steps)) == (evaluated - 1, evaluated)
    check(result, 3, 2.0)
    torch.testing.assert_close(result.displacement, displacement(target, result.vectors))
    torch.testing.assert_close(result.displacement, steps[-1].displacement)


def test_the_default_rate_turns_by_the_same_angle_at_any_radius_and_width():
    for radius, d in ((1.0, 16), (40.0, 16), (1.0, 4096)):
        assert MelboSettings(radius=radius).rate(d) * math.sqrt(d) / radius == pytest.approx(MELBO_RATE)
    assert MelboSettings(radius=9.0, learning_rate=PUBLISHED_RATE).rate(16) == PUBLISHED_RATE


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"vectors": 0}, "vector"), ({"steps": 0}, "step"), ({"restarts": 0}, "restart"), ({"radius": 0.0}, "radius"),
        ({"radius": -1.0}, "radius"), ({"radius": math.nan}, "radius"), ({"radius": math.inf}, "radius"),
        ({"p": 0.5}, "p"), ({"p": math.nan}, "p"), ({"q": 0.0}, "q"), ({"q": math.inf}, "q"),
        ({"learning_rate": 0.0}, "learning rate"), ({"learning_rate": math.nan}, "learning rate"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_in_one_sentence(wrong, named):
    with pytest.raises(InputError, match=rf"^Expected .*{named}.*, got [^.]*(\.\d+)?;[^.]*\.$"):
        MelboSettings(**{"radius": 1.0} | wrong)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (torch.ones(1, 5), r"width 4, got \(1, 5\)"),
        (torch.eye(4)[:3], r"1 to 2 start vectors of width 4, got \(3, 4\)"),
        (torch.ones(4), r"got \(4,\)"),
        (torch.empty(0, 4), r"got \(0, 4\)"),
        (torch.tensor([[1.0, math.nan, 0, 0]]), "NaN"),
        (torch.zeros(1, 4), "zero"),
        (torch.ones(2, 4), "mix of others"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(toy, start, said):
    with pytest.raises(InputError, match=said):
        next(iterate(toy(4), MelboSettings(radius=1.0, vectors=2), start=start))


def test_more_vectors_than_the_width_are_refused(toy):
    with pytest.raises(InputError, match="at most 4 orthogonal vectors, the width of the model, got 5"):
        next(iterate(toy(4), MelboSettings(radius=1.0, vectors=5)))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_that_overflows_is_an_error_and_not_a_vector(toy_of, bad):
    broken = toy_of(4, [lambda theta: (theta * torch.where(theta.norm(dim=1) > 0, bad, 1.0)[:, None])[:, None]])
    with pytest.raises(InputError, match="finite effect"):
        next(iterate(broken, MelboSettings(radius=1.0, vectors=2)))


@settings(max_examples=30, deadline=None)
@given(m=st.integers(1, 3), k=st.integers(1, 6), extra=st.integers(0, 3), seed=st.integers(0, 99))
def test_tangents_are_off_the_sphere_s_normal_and_off_earlier_leaders(m, k, extra, seed):
    generator = torch.Generator().manual_seed(seed)
    candidates, gradients = torch.randn(2, m, k, k + extra, generator=generator, dtype=torch.float64)
    leaders = torch.randint(m, (k,), generator=generator)
    directions, basis = ordered(candidates, leaders)
    torch.testing.assert_close(basis @ basis.T, torch.eye(k, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(basis, directions[leaders, torch.arange(k)], rtol=0, atol=1e-12)
    torch.testing.assert_close(off_earlier(directions, basis), directions, rtol=0, atol=1e-12)
    result = tangent(gradients, directions, basis)
    assert ((result * directions).sum(dim=2)).abs().max() < 1e-12
    torch.testing.assert_close(off_earlier(result, basis), result, rtol=0, atol=1e-12)


def test_ordered_rows_keep_their_side_and_the_first_its_direction():
    rows = torch.randn(1, 5, 9, generator=torch.Generator().manual_seed(0))
    directions, _ = ordered(rows, torch.zeros(5, dtype=torch.int64))
    torch.testing.assert_close(directions[0, 0], rows[0, 0].double() / rows[0, 0].double().norm())
    assert ((directions * rows).sum(dim=2) > 0).all()
