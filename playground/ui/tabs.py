"""List of the tabs, in the order of the page."""

from __future__ import annotations

from typing import Any

from playground.ui import atlas, discover, library, measure, scan, steer
from playground.ui.kit.tab import Tab

TABS: tuple[Tab[Any], ...] = (steer.TAB, discover.TAB, scan.TAB, measure.TAB, atlas.TAB, library.TAB)
