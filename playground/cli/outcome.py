"""What a command hands back to be printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """`data` is printed as one JSON object with --json, else `text`; `interrupted` by Ctrl-C with what there was."""

    data: dict[str, Any]
    text: str
    interrupted: bool = False
