"""Tab of the page: what the page calls to build one, to fill it in for a model, and to follow the library.

`playground/ui/tabs.py` lists them. Tabs do not import each other; what one tells another goes through the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor

P = TypeVar("P")
"""The components of a tab, a dataclass of its own."""
Updates = dict[Any, Any]
"""Component → what it becomes."""


def _nothing(components: Any) -> list[Any]:
    return []


def _no_arrival(frame: Frame, visitor: Visitor) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Tab(Generic[P]):
    """`name` is its id in the address and in tests, `label` what stands on it.

    `layout` builds the components, filled in for the model and the sets there are; `wire` connects them once all tabs
    are laid out. `model_updates` fills a tab in for a model that was loaded later and clears what another model made;
    it writes to `outputs`. `library_updates` runs whenever a set came, went or changed, with the values of
    `library_inputs`, and writes to `library_outputs`. `arrive` prepares the session state of a new visitor, for whom
    the page stands as it was built.
    """

    name: str
    label: str
    layout: Callable[[Frame], P]
    wire: Callable[[Frame, P], None]
    outputs: Callable[[P], list[Any]]
    model_updates: Callable[[Frame, P, Visitor], Updates]
    library_inputs: Callable[[P], list[Any]] = _nothing
    library_outputs: Callable[[P], list[Any]]
    library_updates: Callable[[Frame, P, Visitor, Sequence[Any]], Updates]
    arrive: Callable[[Frame, Visitor], None] = _no_arrival
