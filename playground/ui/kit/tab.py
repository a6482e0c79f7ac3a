"""Interface of a tab to the page: functions that build it, update it for a model, and update it for the library.

`playground/ui/tabs.py` lists the tabs. They do not import each other; they interact through the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor

P = TypeVar("P")
"""The dataclass with the components of a tab."""
Updates = dict[Any, Any]
"""Component → its new value, or a `gr.update`."""


def _nothing(components: Any) -> list[Any]:
    return []


def _no_arrival(frame: Frame, visitor: Visitor) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Tab(Generic[P]):
    """One tab. `name` is its id in the address and in tests, `label` its title.

    `layout` builds the components, filled in for the loaded model and the library; `wire` attaches their event handlers
    once all tabs are built. `model_updates` fills the tab in for a model that was loaded later and clears the results
    of the one before; it writes to `outputs`. `library_updates` runs whenever a set is added, deleted or changed, with
    the values of `library_inputs`, and writes to `library_outputs`. `arrive` initialises the session state of a new
    visitor, who gets the page as it was built.
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
