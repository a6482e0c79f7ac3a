"""LoRA adapters: their place in a model's name, their checks, and merging one into float weights with PEFT.

A model with an adapter is called "NAME + adapter DIR". Files, links and commands keep that name, and `load` reads it
back, so that whatever names the model names its adapter too.
"""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel

from playground.core.out_of_memory import is_out_of_memory
from playground.errors import ModelError
from playground.model.blocks import width
from playground.model.bounds import read_json
from playground.model.pasted import short

_MARK = " + adapter "
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_LONGEST = 4096
"""Characters of a folder's name: as many as a path of Linux has."""
_SAID = 160
"""Characters of PEFT's message that ours quotes."""
_PREFIX = "base_model.model."
"""What PEFT writes before the names of the base model's modules."""


def with_adapter(name: str | None, adapter: str | Path | None) -> str | None:
    """The name of a model with an adapter in the folder `adapter`; `name` as it is without one. Raises ModelError for a
    second adapter, and for a folder that no name can hold.
    """
    if adapter is None:
        return name
    base, other = split_adapter(name)
    if other is not None:
        raise ModelError(
            f"Expected one adapter, got two, {short(other)!a} and {short(str(adapter))!a}; leave one out, or merge it "
            "into the base model first."
        )
    folder = str(adapter).strip()
    if not folder or not folder.isprintable() or len(folder) > _LONGEST or _MARK in folder:
        raise ModelError(
            f"Expected the folder of an adapter, got {short(folder)!a}; give the folder that holds {_CONFIG}."
        )
    return f"{base or 'organism'}{_MARK}{folder}"


def split_adapter(name: str | None) -> tuple[str | None, str | None]:
    """The name of the base model and the folder of the adapter (None: there is none), out of a model's name."""
    base, mark, folder = (name or "").rpartition(_MARK)
    return (base, folder) if mark else (name, None)


def short_name(name: str) -> str:
    """A model's name with its paths cut to their last parts, for narrow places and for others than this user."""
    return _MARK.join(re.split(r"[/\\]", part.rstrip("/\\"))[-1] for part in split_adapter(name) if part is not None)


@dataclass(frozen=True)
class Adapter:
    """A folder with a LoRA adapter whose files can be read."""

    folder: Path
    base: str  # the model that it was trained on, as its configuration has it; may be empty
    tensors: dict[str, tuple[int, ...]]  # shapes by PEFT's names


def open_adapter(folder: str) -> Adapter:
    """Check a folder with an adapter, without reading its weights. Raises ModelError for a folder that is not there,
    one that holds no LoRA, damaged files, and where PEFT is not installed.
    """
    path = Path(folder).expanduser()
    named = short(folder)
    try:
        there = path.is_dir()
    except OSError:
        there = False
    if not there:
        raise ModelError(
            f"Expected the folder of an adapter at {named!a}, but there is none; download it and check the path."
        )
    if not (path / _CONFIG).is_file() or not (path / _WEIGHTS).is_file():
        raise ModelError(
            f"Expected {_CONFIG} and {_WEIGHTS} in {named!a}, but not both are there; save the adapter with PEFT's "
            "save_pretrained."
        )
    try:
        config = read_json(path / _CONFIG)
        with safe_open(path / _WEIGHTS, framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 (no mapping)
        base = config.get("base_model_name_or_path") or ""
        kind, rank = config.get("peft_type"), config.get("r")
        ranks = [rank, *(config.get("rank_pattern") or {}).values()]
    except (OSError, ValueError, AttributeError, SafetensorError) as error:
        raise _damaged(named) from error
    if kind != "LORA" or config.get("megatron_config"):  # Megatron's modules are imported by a name in the file
        raise ModelError(
            f"Expected a LoRA adapter in {named!a}, got one of the kind {short(str(kind))!a}; merge it into its base "
            "model with PEFT, save that, and load the result."
        )
    # PEFT makes matrices of the configuration's ranks before it looks at the weights.
    most = max((max(shape) for shape in shapes.values() if shape), default=0)
    if not isinstance(base, str) or not all(type(each) is int and 0 < each <= most for each in ranks):
        raise _damaged(named)
    if find_spec("peft") is None:
        raise ModelError("Expected the package peft with an adapter, but it is not installed; run `pip install peft`.")
    return Adapter(path, base, shapes)


def check_base(adapter: Adapter, name: str, repo: str | None, config: Any) -> None:
    """Raises ModelError for quantised weights, and for a model of the Hub other than that of the Hub which the adapter
    was trained on. Folders have no such name: there only shapes tell (`merge`).
    """
    quantised = getattr(config, "quantization_config", None)
    if quantised is not None:
        raise ModelError(
            f"Expected float weights to merge an adapter into, but those of {name} are quantised; load the checkpoint "
            "that it was made from."
        )
    local = not adapter.base or os.path.exists(adapter.base) or adapter.base.count("/") != 1
    if repo is not None and not local and adapter.base.lower() != repo.lower():
        raise ModelError(
            f"Expected the base model of the adapter, {short(adapter.base)}, got {name}; load that one, or a local "
            "folder with the same weights."
        )


def merge(model: PreTrainedModel, adapter: Adapter, name: str) -> PreTrainedModel:
    """The model with the adapter added to its weights, W + scaling · B A, the product in float32 and the sum in the
    model's dtype; no module of PEFT is left in it. The model that is given is changed.

    Raises ModelError for an adapter that is not of this model (missing modules, other shapes, tensors that find no
    place), whose numbers are not finite, or that changes embeddings which the model ties to its output.
    """
    folder = short(str(adapter.folder))
    tied = _tied(model, adapter)
    if tied is not None:
        raise ModelError(
            f"Expected an adapter that leaves {tied} alone, but {folder} changes it, and {name} uses the same weights "
            "for reading and writing tokens; untie them, merge with PEFT, save that, and load the result."
        )
    wide = max(width(model), *(max(shape) for _, shape in _matrices(model)))
    if max(max(shape, default=0) for shape in adapter.tensors.values()) > wide:
        raise _wrong_base(adapter, name, "its matrices are larger than any of the model")
    import peft

    try:
        # PEFT says some of what is wrong by warnings only; the tensors are compared below.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrapped: Any = peft.PeftModel.from_pretrained(
                model, str(adapter.folder), torch_device="cpu", local_files_only=True
            )
            placed = set(peft.get_peft_model_state_dict(wrapped, save_embedding_layers=False))
    except Exception as error:  # PEFT fails in many ways on an adapter of another model
        if is_out_of_memory(error):
            raise
        raise _wrong_base(adapter, name, " ".join(str(error).split())[:_SAID].rstrip(".")) from error
    odd = sorted(placed ^ adapter.tensors.keys())
    if odd:
        held = "has no place for" if odd[0] in adapter.tensors else "needs"
        raise _wrong_base(adapter, name, f"the model {held} {len(odd)} of its tensors, {odd[0]} for one")
    try:
        merged: PreTrainedModel = wrapped.merge_and_unload(safe_merge=True)
    except ValueError as error:
        said = " ".join(str(error).split())[:_SAID].rstrip(".")
        raise ModelError(
            f"Expected an adapter that can be merged into {name}, but {folder} cannot (“{said}”); choose another one."
        ) from error
    merged.eval().requires_grad_(False)
    return merged


def _matrices(model: torch.nn.Module) -> list[tuple[str, torch.Size]]:
    return [(key, weight.shape) for key, weight in model.named_parameters() if weight.ndim > 1]


def _tied(model: PreTrainedModel, adapter: Adapter) -> str | None:
    """The name of a module with weights shared by input and output embeddings that the adapter changes, if any."""
    reads: Any = model.get_input_embeddings()
    writes: Any = model.get_output_embeddings()
    if writes is None or reads.weight is not writes.weight:
        return None
    names = [name for name, module in model.named_modules() if module is reads or module is writes]
    changed = [key.removeprefix(_PREFIX) for key in adapter.tensors]
    return next((name for name in names if any(key.startswith(f"{name}.") for key in changed)), None)


def _damaged(named: str) -> ModelError:
    return ModelError(f"Expected the files of an adapter in {named!a}, but they are damaged; fetch them again.")


def _wrong_base(adapter: Adapter, name: str, said: str) -> ModelError:
    trained = f", which was trained on {short(adapter.base)}," if adapter.base else ""
    return ModelError(
        f"Expected the base model of the adapter {short(str(adapter.folder))}{trained} got {name}, which it does not "
        f"fit (“{said}”); load its base model."
    )
