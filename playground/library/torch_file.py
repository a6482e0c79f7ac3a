"""Files of `torch.save`, read without running code: tensors and plain values only, mapped, not read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from playground.errors import FileError
from playground.library.text import reason

SUFFIX = ".pt"


def load_plain(path: Path, what: str) -> Any:
    """What a file holds, on the CPU. `what` names it in a sentence: "a Jacobian lens". Raises FileError, and nothing
    else, for a file that is not there, is damaged, or holds objects other than tensors and plain values.
    """
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no such file"
        raise FileError(f"Expected {what} at {path}, got “{got}”; check the name.") from error
    try:
        # Mapped: a lens of a large model is of gigabytes, of which one layer is read.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # what PyTorch raises for a file that is none is of a dozen types, and not documented
        raise FileError(
            f"Expected {what}, as torch.save writes it, of tensors and plain values, got {path.name}, which PyTorch "
            "does not read so; download it again, or choose another file."
        ) from error
