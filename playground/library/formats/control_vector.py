"""Control vectors of llama.cpp and repeng, as GGUF: `direction.N` is added to the output of block N at every token.

Blocks count from 0 and N begins at 1, so that block 0 cannot be named; nothing is normalised. llama.cpp reads the
tensors alone and takes a scale beside the file; `controlvector.model_hint` and `controlvector.layer_count` are for
people and for repeng (https://github.com/ggml-org/llama.cpp, common_control_vector_load; https://github.com/vgel/repeng).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.errors import FileError
from playground.library.formats.format import ONE_A_LAYER, Format

if TYPE_CHECKING:
    from playground.library.directions import Directions

ARCHITECTURE = "controlvector"
_NAME = re.compile(r"direction\.(\d{1,9})", re.ASCII)
_TYPES = {0: ("f4", 4), 1: ("f2", 2)}
"""float32, which llama.cpp takes, and float16."""


def read(path: Path) -> Directions:
    import numpy
    import torch

    from playground import gguf_head
    from playground.library.directions import BLOCKS, Directions, label_of
    from playground.library.origin import HOOK_SITE

    try:
        head = gguf_head.read(path)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
        raise FileError(f"Expected a whole GGUF file, got one that cannot be read (“{said}”); get it again.") from error
    layers: dict[int | None, Any] = {}
    with path.open("rb") as file:
        for tensor in head.described:
            found = _NAME.fullmatch(tensor.name)
            if found is None:
                continue
            if tensor.kind not in _TYPES or int(found[1]) in layers:
                raise FileError(
                    f"Expected each layer once, as float32 or float16, got layer {int(found[1])} otherwise; write the "
                    "control vector again."
                )
            file.seek(tensor.place)
            kind, width = _TYPES[tensor.kind]
            if tensor.size != tensor.weights * width:
                raise FileError("Expected a whole GGUF file, got one that is cut short; get it again.")
            values = numpy.frombuffer(file.read(tensor.size), dtype=f"{head.order}{kind}").astype("f4")
            layers[int(found[1])] = torch.from_numpy(values).reshape(tensor.shape[::-1])
    if not layers:
        raise FileError("Expected tensors direction.N, got a GGUF file without any; choose a control vector.")
    hint = head.values.get(f"{ARCHITECTURE}.model_hint", "")
    return Directions(layers, counted=BLOCKS, site=HOOK_SITE, model=label_of(hint))


def write(directions: Directions) -> bytes:
    from gguf import GGUFWriter

    with tempfile.TemporaryDirectory(prefix="playground-") as folder:
        path = Path(folder) / "vectors.gguf"
        writer = GGUFWriter(path, ARCHITECTURE)
        writer.add_string(f"{ARCHITECTURE}.model_hint", directions.model)
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(directions.layers))
        for layer, vector in directions.layers.items():
            writer.add_tensor(f"direction.{layer}", vector[0].numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


FORMAT = Format(
    ".gguf", "directions", read, write, place=1, name="gguf", label="llama.cpp, repeng (.gguf)", first_block=1,
    loses=ONE_A_LAYER,
)  # fmt: skip
