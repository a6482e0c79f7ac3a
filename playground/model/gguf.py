"""GGUF files (llama.cpp, LM Studio, Ollama): what is in one, and whether transformers can convert it.

transformers dequantises the weights to an ordinary dtype as it loads them, and takes configuration, tokenizer and chat
template from the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from playground import gguf_head
from playground.errors import ModelError
from playground.model import bounds

SUFFIX = ".gguf"
_SHOWN = 80


@dataclass(frozen=True)
class GgufHead:
    """Head of a file: its architecture, and how many weights, tensors and blocks it holds."""

    architecture: str
    weights: int
    tensors: int
    blocks: int


def only_file(folder: Path) -> Path | None:
    """The GGUF file of a folder; None without any. Raises ModelError for several."""
    files = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file())
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:4]) + (", …" if len(files) > 4 else "")
        raise ModelError(f"Expected one GGUF file in {folder}, found {len(files)} ({names}); give the path of one.")
    return files[0] if files else None


def read_head(path: Path) -> GgufHead:
    """The head of a file, without its weights.

    Raises ModelError for a file that is damaged or no GGUF, and for an architecture that transformers cannot convert.
    """
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    try:
        head = gguf_head.read(path)
        architecture = str(head.values.get("general.architecture", ""))[:_SHOWN]
        # Their names end as in the configurations of transformers: llama.block_count, llama.attention.head_count.
        bounds.check_counts({key.rpartition(".")[2]: value for key, value in head.values.items()}, path.name)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
        raise ModelError(
            f"Expected a whole GGUF file, but {path.name} cannot be read (“{said}”); download it again."
        ) from error
    # llama.cpp and transformers write some names with and some without a mark between their parts (qwen3moe).
    known = {_plain(name) for name in GGUF_SUPPORTED_ARCHITECTURES}
    if _plain(architecture) not in known:
        called = f"“{architecture}”" if architecture.isprintable() else ascii(architecture)
        raise ModelError(
            f"Expected a GGUF architecture that transformers can convert, but {path.name} is of {called}; load the "
            "model's original checkpoint instead."
        )
    return GgufHead(architecture, head.weights, head.tensors, head.blocks)


def _plain(architecture: str) -> str:
    return architecture.replace("_", "").replace("-", "")


def dtype_of(dtype: torch.dtype | str, place: torch.device) -> torch.dtype:
    """The dtype that weights are dequantised to; "auto" is float32 on a CPU and bfloat16 elsewhere."""
    if isinstance(dtype, torch.dtype):
        return dtype
    return torch.float32 if place.type == "cpu" else torch.bfloat16


def dense() -> dict[str, Any]:
    """Arguments of `from_pretrained` for weights as ordinary tensors: packed ones cannot be differentiated.

    Versions of transformers without GgufConfig never keep them packed.
    """
    config = getattr(transformers, "GgufConfig", None)
    return {} if config is None else {"quantization_config": config(dequantize=True)}


@contextmanager
def conversion_bar(kind: type) -> Iterator[None]:
    """Let the progress bar of the conversion be of class `kind`; transformers' own goes to the terminal."""
    from transformers import modeling_gguf_pytorch_utils

    converting: Any = modeling_gguf_pytorch_utils
    before = converting.tqdm
    converting.tqdm = kind
    try:
        yield
    finally:
        converting.tqdm = before


def forget_quantization(model: Any) -> None:
    """Mark a model's weights as the ordinary tensors that they are once the file was converted."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
