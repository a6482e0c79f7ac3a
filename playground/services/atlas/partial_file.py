"""State of a stopped atlas in a file beside the result: the same request on the same model goes on from it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors
from safetensors.torch import save as serialize
from torch import Tensor

from playground.library.atomic import write_atomically
from playground.model.load import LoadedModel
from playground.services.atlas.request import AtlasRequest

_KEY = "key"


def beside(out: Path) -> Path:
    """Where the state of an atlas that is to be written to `out` is kept."""
    return out.with_name(f"{out.name}.part")


def write(state: dict[str, Tensor], loaded: LoadedModel, request: AtlasRequest, path: Path) -> None:
    """Raises FileError when that is not possible."""
    # Cloned, since safetensors refuses tensors that share memory.
    tensors = {name: tensor.clone().contiguous() for name, tensor in state.items()}
    write_atomically(path, serialize(tensors, metadata={_KEY: _key(loaded, request)}))


def read(path: Path, loaded: LoadedModel, request: AtlasRequest) -> dict[str, Tensor] | None:
    """The state in a file; None where there is none, or one that is damaged, or of another request or model."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get(_KEY) != _key(loaded, request):
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError):
        return None


def _key(loaded: LoadedModel, request: AtlasRequest) -> str:
    asked = (loaded.fingerprint, str(loaded.dtype), request)
    return hashlib.sha256(repr(asked).encode()).hexdigest()
