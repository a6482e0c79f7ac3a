"""core/dct: planted factors are found again, derivatives are exact, the radius is where a bisection has it."""

from __future__ import annotations

import math

import pytest
import torch
from torch.func import hessian, jacrev, vmap

from playground.core.contrast import random_directions
from playground.core.dct import (
    DctResult,
    DctStep,
    bent,
    dct_radius,
    gradient_products,
    hessian_products,
    iterate,
    jacobian_products,
    solve,
)
from playground.core.settings import DctSettings
from playground.errors import Cancelled, InputError

WIDTH, K = 24, 5
STRENGTHS = torch.tensor([5.0, 3.0, 2.0, 1.5, 1.0], dtype=torch.float64)


def planted(seed: int, orthogonal: bool) -> torch.Tensor:
    """Unit rows (K, WIDTH), float64."""
    drawn = torch.randn(WIDTH, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(drawn)[0].T if orthogonal else (drawn / drawn.norm(dim=0)).T


def exponential(v, u):
    return lambda theta: (((theta @ v.T).exp() - 1) * STRENGTHS.to(theta) @ u)[:, None]


def quadratic(v, u):
    """Squares beside a linear map that is as large, which the second derivative does not see."""
    linear = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return lambda theta: (theta @ linear + (theta @ v.T) ** 2 * STRENGTHS.to(theta) @ u)[:, None]


def cosines_with(result: DctResult, v: torch.Tensor) -> torch.Tensor:
    """(K, K): of every planted direction with every row that was found."""
    return v @ (result.vectors / result.vectors.norm(dim=1, keepdim=True)).double().T


def mean_map(target):
    """θ (d,) ↦ Δ(θ) in float64, each prompt's own positions averaged: the dense oracle's map."""
    nothing = torch.zeros(1, target.width, dtype=torch.float64)

    def mean(theta):
        return sum((f(theta[None]) - f(nothing))[0].mean(dim=0) for f in target.functions) / target.prompts

    return mean


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("orthogonal", [True, False])
def test_an_exponential_fit_finds_every_planted_factor_on_its_side(toy_of, orthogonal, seed):
    """Also the weakest, beside one five times as strong; those that lean towards each other to within a few degrees."""
    v, u = planted(seed, orthogonal), planted(seed + 100, False)
    target = toy_of(WIDTH, [exponential(v, u)], dtype=torch.float64)
    result = solve(target, DctSettings(radius=3.0, vectors=K, steps=20))
    found = cosines_with(result, v)
    assert result.converged
    assert found.argmax(dim=1).sort().values.tolist() == list(range(K))
    assert (found.amax(dim=1) > (0.99 if orthogonal else 0.98)).all()  # with sign: −v is not the factor
    if orthogonal:
        # α belongs to R·v, where exp grows as α(exp R − 1) at v and the fit is in units of exp 1 − 1.
        expected = STRENGTHS * math.expm1(3.0) / math.expm1(1.0)
        torch.testing.assert_close(result.strengths.double(), expected, rtol=0.1, atol=0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("orthogonal", [True, False])
def test_a_quadratic_fit_finds_every_planted_factor_of_the_tensor_and_its_strength(toy_of, orthogonal, seed):
    v, u = planted(seed, orthogonal), planted(seed + 100, False)
    target = toy_of(WIDTH, [quadratic(v, u)], dtype=torch.float64)
    result = solve(target, DctSettings(radius=2.0, vectors=K, form="quadratic", steps=40))
    found = cosines_with(result, v).abs()
    assert found.argmax(dim=1).sort().values.tolist() == list(range(K))
    assert (found.amax(dim=1) > (0.999 if orthogonal else 0.98)).all()
    if orthogonal:
        torch.testing.assert_close(result.strengths.double(), 4 * STRENGTHS, rtol=0.01, atol=0)  # times R²


def test_derivatives_are_those_of_the_dense_map(toy):
    """Over three prompts of unlike lengths in two pieces: positions are averaged within each prompt."""
    target = toy(10, positions=(3, 1, 2), dtype=torch.float64)
    mean, zero = mean_map(target), torch.zeros(10, dtype=torch.float64)
    u, v = random_directions(4, 10, 1).double(), random_directions(4, 10, 2).double()
    jacobian, second = jacrev(mean)(zero), hessian(mean)(zero)
    at = vmap(jacrev(mean))(v)
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(jacobian_products(target, v), v @ jacobian.T, **close)
    torch.testing.assert_close(gradient_products(target, u, v), torch.einsum("kod,ko->kd", at, u), **close)
    torch.testing.assert_close(bent(target, v), torch.einsum("oab,ka,kb->ko", second, v, v), **close)
    torch.testing.assert_close(hessian_products(target, u, v), torch.einsum("oab,ko,ka->kb", second, u, v), **close)
    target.most_copies = 1  # as after memory has run out
    torch.testing.assert_close(bent(target, v), torch.einsum("oab,ka,kb->ko", second, v, v), **close)


def test_the_radius_is_where_a_dense_bisection_has_it(toy):
    target = toy(12, positions=(3, 2, 4), dtype=torch.float64)
    mean, units = mean_map(target), random_directions(8, 12, 0).double()
    image = units @ jacrev(mean)(torch.zeros(12, dtype=torch.float64)).T

    def deviation(radius: float) -> float:
        off = vmap(mean)(radius * units) - radius * image
        return float((off.square().sum(dim=1) / (radius * image).square().sum(dim=1)).mean().sqrt())

    low, high = 1e-3, 1e2
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if deviation(middle) < 0.5 else (low, middle)
    found = dct_radius(target, units.float(), 1e-3, 1e2)
    assert deviation(found) == pytest.approx(0.5, rel=0.11)
    assert found == pytest.approx(low, rel=0.2)
    assert dct_radius(target, units.float(), 1e-3, found / 10) == found / 10


def test_values_are_those_at_the_vectors(toy):
    target = toy(10, positions=(3, 2), dtype=torch.float64)
    mean = mean_map(target)
    zero = torch.zeros(10, dtype=torch.float64)
    for form in ("exponential", "quadratic"):
        result = solve(target, DctSettings(radius=0.7, vectors=3, form=form, steps=4))
        theta = result.vectors.double()
        torch.testing.assert_close(theta.norm(dim=1), torch.full((3,), 0.7).double(), rtol=1e-6, atol=0)
        assert (result.strengths[:-1] >= result.strengths[1:]).all()
        moved = [sum((f(row[None]) - f(zero[None])).square().sum() for f in target.functions) / 2 for row in theta]
        torch.testing.assert_close(result.displacement.double(), torch.stack(moved).sqrt(), rtol=1e-5, atol=0)
        means = vmap(mean)(theta)
        if form == "quadratic":
            means = torch.einsum("oab,ka,kb->ko", hessian(mean)(zero), theta, theta) / 2
            back = vmap(lambda row: sum((f(-row[None]) - f(zero[None])).square().sum() for f in target.functions))
            assert (torch.stack(moved) >= back(theta) / 2 - 1e-9).all()
        torch.testing.assert_close(result.objective.double(), means.norm(dim=1), rtol=1e-4, atol=0)


def test_importance_grows_and_the_same_seed_gives_the_same(toy):
    target = toy(16, dtype=torch.float64)
    events = list(iterate(target, DctSettings(radius=0.5, vectors=4, steps=12, seed=3)))
    steps = [event for event in events if isinstance(event, DctStep)]
    assert float(steps[-1].objective.sum()) > float(steps[0].objective.sum())
    assert [event.share for event in steps] == [event.step / 12 for event in steps]
    again = solve(target, DctSettings(radius=0.5, vectors=4, steps=12, seed=3))
    assert torch.equal(events[-1].vectors, again.vectors)


@pytest.mark.parametrize("form", ["exponential", "quadratic"])
def test_a_cancel_keeps_the_last_whole_step_and_nothing_before_one(toy, form):
    target, settings = toy(10), DctSettings(radius=0.5, vectors=3, form=form, steps=50)
    assert len(solve(target, settings, lambda: True).vectors) == 0
    steps = iterate(target, settings, lambda: stopped)
    stopped = False
    next(steps)
    second = next(steps)
    stopped = True
    runs = len(target.runs)
    (result,) = steps
    assert len(target.runs) == runs  # no pass more
    assert (result.steps, result.cancelled, result.converged) == (2, True, False)
    assert result.displacement is None
    torch.testing.assert_close(result.objective.sort().values, second.objective.sort().values)
    unit = result.vectors / 0.5
    torch.testing.assert_close(unit @ unit.T, torch.eye(3), rtol=0, atol=1e-5)
    with pytest.raises(Cancelled):
        dct_radius(target, random_directions(2, 10, 0), 0.1, 1.0, lambda: True)


def test_what_cannot_be_fitted_is_refused_in_a_sentence(toy, toy_of):
    with pytest.raises(InputError, match="at most 10 vectors"):
        solve(toy(10), DctSettings(radius=1.0, vectors=11))
    straight = toy_of(8, [lambda theta: (theta + theta**3)[:, None]])  # no second derivative at 0
    with pytest.raises(InputError, match="moves nothing"):
        solve(straight, DctSettings(radius=1.0, vectors=2, form="quadratic"))
    with pytest.raises(InputError, match="smaller radius"):
        solve(toy_of(8, [lambda theta: (theta * 1e30).exp()[:, None]]), DctSettings(radius=1.0, vectors=2))
    for wrong in ({"radius": 0.0}, {"radius": math.nan}, {"vectors": 0}, {"steps": 0}, {"form": "linear"}):
        with pytest.raises(InputError):
            DctSettings(**{"radius": 1.0} | wrong)
