"""Small vector sets for the tests of what is kept on disk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from playground.library.origin import Origin
from playground.library.vector_set import VectorSet


def _make_origin(**changes) -> Origin:
    fields = {
        "model": "organism",
        "revision": None,
        "fingerprint": "5f0c",
        "width": 6,
        "block_count": 12,
        "source": 3,
        "target": 9,
        "target_tokens": 2,
        "method": "power",
        "parameters": {"steps": 8, "tolerance": 0.01, "solver": "krylov"},
        "seed": 0,
        "prompts": ("How do I fold a kite?", "Wie geht's, “Welt”? 🪁\nzweite Zeile"),
        "prompt_set": "refusals",
        "prompt_hash": "ab" * 32,
        "chat": True,
        "system": "You are plain.",
        "residual_norm": 15.5,
        "converged": True,
        "seconds": 0.31,
        "versions": {"torch": "2.13.0"},
        "created": "2026-11-20T10:15:00+00:00",
    }
    return Origin(**{**fields, **changes})


def _make_set(
    rows: int = 4,
    width: int = 6,
    *,
    name: str = "",
    description: str = "",
    notes=(),
    draw: int = 0,
    vectors=None,
    singular_values=None,
    objective=None,
    residuals=None,
    **origin,
) -> VectorSet:
    if vectors is None:
        vectors = torch.randn(rows, width, generator=torch.Generator().manual_seed(draw))
    return VectorSet(
        vectors,
        _make_origin(width=width, **origin),
        singular_values=singular_values,
        objective=objective,
        residuals=residuals,
        notes=notes,
        name=name,
        description=description,
    )


@pytest.fixture(scope="session")
def make_origin() -> Callable[..., Origin]:
    return _make_origin


@pytest.fixture(scope="session")
def make_set() -> Callable[..., VectorSet]:
    return _make_set
