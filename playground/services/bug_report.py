"""The report of a problem: versions, kind of model, settings of the last runs, types and places of errors; no texts."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib import metadata
from typing import Any

import torch

import playground
from playground.model.adapter import split_adapter
from playground.model.load import LoadedModel, decoder_config, is_organism
from playground.services import recent

FORMAT_VERSION = 2
PACKAGES = (
    "accelerate", "gguf", "gradio", "numpy", "peft", "plotly", "pydantic", "safetensors", "scikit-learn", "scipy",
    "tokenizers", "torch", "transformers",
)  # fmt: skip


def report(loaded: LoadedModel | None) -> str:
    """The report on this process as JSON. It holds nothing that a user has typed, named or loaded from a path."""
    return json.dumps(
        {
            "report version": FORMAT_VERSION,
            "versions": versions(),
            "platform": {"system": platform.platform(), "machine": platform.machine(), "cpus": os.cpu_count()},
            "devices": _devices(),
            "model": None if loaded is None else _model(loaded),
            "last runs": [asdict(run) for run in tuple(recent.RUNS)],
            "last errors": [asdict(failure) for failure in tuple(recent.FAILURES)],
        },
        indent=1,
    )


def versions() -> dict[str, str]:
    """Versions of the playground, Python and the packages that are there, by name."""
    packages = {name: version for name in PACKAGES if (version := _version(name))}
    return {"steering-playground": playground.__version__, "python": platform.python_version(), **packages}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> dict[str, Any]:
    count = torch.cuda.device_count()
    return {
        "cuda": torch.version.cuda,
        "gpus": [torch.cuda.get_device_name(index) for index in range(count)],
        "mps": torch.backends.mps.is_available(),
        "threads": torch.get_num_threads(),
    }


def _model(loaded: LoadedModel) -> dict[str, Any]:
    """The kind of a model. Its name is left out: it can be a path with the name of a user in it."""
    quantized = getattr(decoder_config(loaded.model.config), "quantization_config", None)
    return {
        "shipped": is_organism(loaded),
        "adapter": split_adapter(loaded.name)[1] is not None,
        "architecture": type(loaded.model).__name__,
        "blocks": loaded.block_count,
        "width": loaded.width,
        "parameters": loaded.parameters,
        "reads at most": loaded.max_positions,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "quantized": type(quantized).__name__ if quantized is not None else None,
        "device": loaded.device.type,
    }
