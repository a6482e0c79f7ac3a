"""The radius of methods whose directions have a given norm: absolute, or in reference norms."""

from __future__ import annotations

from typing import Any, Protocol

from playground.errors import InputError
from playground.methods.base.setting import Alternative, setting


class WithRadius(Protocol):
    """Settings with both fields; where neither is given the method finds a radius on the model."""

    @property
    def radius(self) -> float | None: ...

    @property
    def relative_radius(self) -> float | None: ...


def relative_setting(**words: Any) -> Any:
    """The field of the radius in reference norms; `words` are its help, info and placeholder."""
    return setting(
        None, "real", "relative radius", least=0, above=True, alternative=Alternative("Radius", "relative"),
        label="Radius", basic=True, **words,
    )  # fmt: skip


def absolute_setting() -> Any:
    """The field of the absolute one."""
    return setting(
        None, "real", "radius", least=0, above=True, alternative=Alternative("Radius", "absolute"), metavar="R",
        help="norm of every direction, absolute", basic=True,
    )  # fmt: skip


def check_one_radius(settings: WithRadius) -> None:
    """Raises InputError where both are given."""
    if settings.radius is not None and settings.relative_radius is not None:
        raise InputError("Expected a radius or a relative radius, got both; leave one of them out.")


def asked_radius(settings: WithRadius, reference: float) -> float | None:
    """The radius that is given, absolute, for a reference norm; None where none is."""
    if settings.radius is not None or settings.relative_radius is None:
        return settings.radius
    return settings.relative_radius * reference
