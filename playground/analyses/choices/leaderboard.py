"""The leaderboard as JSON and as text: standings and side effects of vectors and of the best random direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from playground.analyses.choices.standings import Standing, best_random, best_rows, draws, standings
from playground.analyses.common.result import SCALE_NAMES

if TYPE_CHECKING:
    from playground.analyses.choices.result import MeasuredRow, MeasureResult, SideEffect

Judged: TypeAlias = "tuple[Standing, MeasuredRow, SideEffect]"
"""A direction, its row at the best scale, and its side effect there."""


def facts(result: MeasureResult) -> dict[str, Any]:
    """Fields of the JSON output; none where side effects were not measured."""
    if result.side_effects is None:
        return {}
    neutral, (vectors, drawn, best) = result.side_effects.neutral, _ranked(result)
    return {
        "leaderboard": {
            "prompts": neutral.name,
            "prompts_hash": neutral.hash,
            "vectors": [_entry(result, *judged) for judged in vectors],
            "random_draws": drawn,
            "best_random": None if best is None else _entry(result, *best),
        }
    }


def lines(result: MeasureResult) -> list[str]:
    """Lines of the text output, after an empty one; none where side effects were not measured."""
    if result.side_effects is None or not result.side_effects.of_rows:
        return []
    vectors, drawn, best = _ranked(result)
    named = [(judged[0].name, judged) for judged in vectors]
    if best is not None:
        named.append((f"best of {drawn} random", best))
    unit = SCALE_NAMES[result.request.unit]
    width = max((len(name) for name, _ in named), default=0) + 2
    return [
        "",
        f"Leaderboard of {len(vectors)} vectors by swing; side effect (KL), repetition and perplexity at the best "
        f"{unit}, on {result.side_effects.neutral.name}:",
        "",
        f"{'vector':<{width}}{'swing':>9}{'best mean':>11}{'best scale':>12}{'monotonicity':>14}{'symmetry':>10}"
        f"{'side effect':>13}{'repetition':>12}{'perplexity':>12}",
        *(_line(name, *judged, width, result.request.unit) for name, judged in named),
    ]


def _ranked(result: MeasureResult) -> tuple[list[Judged], int, Judged | None]:
    """The vectors, the largest swing by absolute value first; the number of random draws, and the best of them."""
    found = standings(result)
    effects = {} if result.side_effects is None else result.side_effects.of_rows
    places = zip(found, best_rows(result, found), strict=True)
    judged = [(standing, result.rows[place], effects[place]) for standing, place in places if place in effects]
    vectors = [pair for pair in judged if pair[0].kind == "vector"]
    best = best_random(found)
    return (
        sorted(vectors, key=lambda pair: -abs(pair[0].swing)),
        draws(found),
        next((pair for pair in judged if pair[0] is best), None),
    )


def _entry(result: MeasureResult, standing: Standing, best: MeasuredRow, effect: SideEffect) -> dict[str, Any]:
    numbers = {
        "swing": standing.swing,
        "best": standing.best,
        "monotonicity": standing.monotonicity,
        "symmetry": standing.symmetry,
        "side_effect": effect.kl,
        "repetition": effect.repetition,
        "perplexity": effect.perplexity,
        "text": effect.text,
    }
    return result.row_facts(best, numbers)


def _line(name: str, standing: Standing, best: MeasuredRow, effect: SideEffect, width: int, unit: str) -> str:
    scale = best.at(unit)
    symmetry = "" if standing.symmetry is None else f"{standing.symmetry:.2f}"
    perplexity = "" if effect.perplexity is None else f"{effect.perplexity:.3g}"
    return (
        f"{name:<{width}}{standing.swing:>+9.2f}{standing.best:>+11.2f}{scale:>12.4g}{standing.monotonicity:>+14.2f}"
        f"{symmetry:>10}{effect.kl:>13.3f}{effect.repetition:>12.2f}{perplexity:>12}"
    )
