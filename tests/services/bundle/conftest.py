"""The small results of other tests, for `import test_figure` and `import test_scan_file`."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "services"), str(_TESTS / "ui" / "measure")]
