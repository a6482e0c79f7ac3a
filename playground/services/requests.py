"""Checks that requests share: whole numbers in a range, and seeds."""

from __future__ import annotations

from playground.errors import InputError


def check_whole(quantity: str, value: object, least: int, most: int | None = None) -> None:
    """Raises InputError unless `value` is a whole number from `least` to `most`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        span = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise InputError(f"Expected a {quantity} {span}, got {value!r}; give a whole number in that range.")


def check_seed(seed: object) -> None:
    """Raises InputError unless `seed` is one that torch and a file's header both hold."""
    check_whole("seed", seed, least=0, most=2**63 - 1)
