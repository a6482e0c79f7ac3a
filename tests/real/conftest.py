"""The real model. Without an index to fetch it from these tests are skipped, loudly; with CI=true that is a failure."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from playground.model.load import LoadedModel, load

_SPEC = importlib.util.spec_from_file_location("real_fetch", Path(__file__).with_name("fetch.py"))
fetch = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fetch)


@pytest.fixture(scope="session")
def real_path() -> Path:
    """The GGUF file of SmolLM2-135M-Instruct."""
    try:
        return fetch.fetched()
    except fetch.FetchError as error:
        said = f"NO REAL MODEL, tests on real weights do not run: {error}"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(said)
        print(f"\n{'!' * 20} {said}", file=sys.stderr)
        pytest.skip(said)


@pytest.fixture(scope="session")
def real(real_path: Path) -> LoadedModel:
    """SmolLM2-135M-Instruct in float32 on the CPU, loaded once a process (about 20 s)."""
    return load(str(real_path), device="cpu", dtype="float32")
