"""Fixtures that any test may use: tiny models of every architecture, built once a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent
# The package itself when pytest is called as a program, and tests/model for `import tiny_models`.
os.environ.setdefault("PLAYGROUND_TIMES", "off")  # what is learnt in tests is nobody's
sys.path[:0] = [str(_TESTS.parent), str(_TESTS / "model"), str(_TESTS / "extension")]


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a tiny model, by the name of its architecture (tiny_models.NAMES)."""
    import tiny_models

    folder = tmp_path_factory.mktemp("tiny")

    def path(architecture: str) -> Path:
        there = folder / architecture
        return there if there.exists() else tiny_models.build(architecture, folder)

    return path


@pytest.fixture(scope="session")
def tiny(tiny_path: Callable[[str], Path]) -> Callable:
    """A tiny model, loaded once a run: tiny("llama"), tiny("gpt2", "float64")."""
    from playground.model.load import LoadedModel, load

    loaded: dict[tuple[str, str], LoadedModel] = {}

    def model(architecture: str, dtype: str = "float32") -> LoadedModel:
        key = (architecture, dtype)
        if key not in loaded:
            loaded[key] = load(str(tiny_path(architecture)), device="cpu", dtype=dtype)
        return loaded[key]

    return model
