"""“Find some” on the real model: from no vectors to a gallery with different behaviours to read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("real_opening", Path(__file__).with_name("opening.py"))


def test_the_first_search_ends_in_at_least_five_kinds_of_text(real):
    tool = importlib.util.module_from_spec(_SPEC)
    sys.modules["real_opening"] = tool  # dataclasses look their module up
    _SPEC.loader.exec_module(tool)
    opening = tool.opened(real)
    assert opening.vector_set.rows == 12
    assert len(opening.texts) >= 12  # half of the signed vectors
    assert len(opening.beginnings()) >= 5
    assert len({text for text in opening.texts.values() if text != opening.gallery.baseline}) >= 8
