"""Found scales on the real model: on prompts that were not looked at, texts are still text and say something else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("real_looks", Path(__file__).with_name("looks.py"))


@pytest.fixture(scope="module")
def tool():
    import sys

    module = importlib.util.module_from_spec(_SPEC)
    sys.modules["real_looks"] = module  # dataclasses look their module up
    _SPEC.loader.exec_module(module)
    return module


def test_most_directions_have_a_window_and_say_something_else_in_text_on_new_prompts(real, tool, monkeypatch):
    monkeypatch.setattr(tool, "PROMPTS", tool.PROMPTS[:2])
    monkeypatch.setattr(tool, "VECTORS", 6)
    scaled, _ = tool.scaled_set(real, 7, 22, count=3)
    seen = list(tool.looks(real, scaled))
    assert len({(look.row, look.sign) for look in seen}) >= 8  # two thirds of 12
    text = sum(not look.written.noise for look in seen) / len(seen)
    differs = sum(look.written.differs for look in seen) / len(seen)
    # The full measurement asks for 0.8 of both over 360 texts; of 24 a few more may fall out.
    assert text >= 0.7
    assert differs >= 0.8
    for look in seen:
        assert 0.0125 <= look.relative_scale <= 3.2
