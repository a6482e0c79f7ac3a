"""Vectors at layers as other tools keep them: what a foreign file holds, between it and a vector set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from playground.core.positions import NAMES, Positions, is_positions
from playground.errors import FileError, InputError
from playground.library.origin import HOOK_SITE, MAX_LABEL
from playground.library.text import listed, shown

BLOCKS, HIDDEN_STATES = "blocks", "hidden-states"
COUNTINGS = (BLOCKS, HIDDEN_STATES)
"""How a file counts layers: blocks from 0, whose output is meant, or indices into `hidden_states` of transformers."""
MLP_OUTPUT = "MLP output"
SITES = (HOOK_SITE, MLP_OUTPUT)
"""Where in its block a vector was added when it was found."""
MOST_LAYERS = 4096
"""Layers of one file: ten times the deepest models."""
MOST_WIDTH = 2**20


@dataclass(frozen=True, eq=False)
class Directions:
    """`layers`: {layer: (k, d) float32}, at None where the file says no layer. `counted`: one of COUNTINGS, None where
    the file does not say. `site`: one of SITES, or None likewise. `positions`: at which tokens they are to be added.

    `labels`: names of the rows of a layer, one each. `model`: what the file calls its model. `about`: what else it
    says, as JSON values. `said`: sentences about what of the file is not here. Matrices may lie as (d, k) until
    `fitting`. Raises FileError for tensors that are no such matrices or hold values that are not finite, and for no
    layer at all.
    """

    layers: Mapping[int | None, Tensor]
    counted: str | None = None
    site: str | None = None
    positions: Positions = "all"
    labels: Mapping[int | None, tuple[str, ...]] = field(default_factory=dict)
    model: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.layers) <= MOST_LAYERS:
            raise FileError(
                f"Expected vectors at 1 to {MOST_LAYERS} layers, got {len(self.layers)}; choose a file of vectors."
            )
        if None in self.layers and len(self.layers) > 1:
            raise FileError("Expected a layer for all vectors or for none, got both; put them into two files.")
        if (
            self.counted not in (None, *COUNTINGS)
            or self.site not in (None, *SITES)
            or not is_positions(self.positions)
        ):
            raise FileError(
                f"Expected layers counted as {listed(COUNTINGS)}, vectors at the {listed(SITES)} and positions "
                f"{NAMES}, got {shown(self.counted)}, {shown(self.site)} and {shown(self.positions)}; "
                "mend the file."
            )
        layers = {}
        for layer, tensor in self.layers.items():
            if layer is not None and (not isinstance(layer, int) or isinstance(layer, bool) or not 0 <= layer < 2**31):
                raise FileError(f"Expected layers to be numbers from 0 on, got {shown(layer)}; mend the file.")
            layers[layer] = matrix(tensor, "" if layer is None else f" at layer {layer}")
        object.__setattr__(self, "layers", layers)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the file does not say and must be asked: "layer", "counted"."""
        return (("layer",) if None in self.layers else ()) + (("counted",) if self.counted is None else ())

    @property
    def shape_text(self) -> str:
        """How many vectors of which shape there are, for a sentence: "12 × 256 at 3 layers"."""
        sizes = {tuple(tensor.shape) for tensor in self.layers.values()}
        shape = " × ".join(map(str, sizes.pop())) if len(sizes) == 1 else "several shapes"
        if len(self.layers) > 1:
            return f"{shape} at {len(self.layers)} layers"
        (layer,) = self.layers
        return shape if layer is None else f"{shape} at layer {layer}"

    def fitting(self, width: int, model: str) -> Directions:
        """The same with every matrix as (k, `width`), transposed where the file has columns; a square one holds rows.
        Raises FileError for another width than that of `model`.
        """
        fitted = {}
        for layer, tensor in self.layers.items():
            if width not in tensor.shape:
                raise FileError(
                    f"Expected vectors of width {width}, the width of {model}, got {self.shape_text}; load the model "
                    "that they were found on."
                )
            fitted[layer] = tensor if tensor.shape[1] == width else tensor.T.contiguous()
        return replace(self, layers=fitted)

    def at_blocks(self, block_count: int, layer: int | None = None, counted: str | None = None) -> Directions:
        """The same with every layer a block counted from 0.

        `layer` and `counted` answer what `missing` asks; where the file says its layers, `layer` takes that one alone.
        Layers that are no block's output (the embeddings, the stream after the final norm) are left out, and `said`
        says so. Raises InputError for an answer that is missing or contradicts the file, FileError for blocks that a
        model of `block_count` blocks does not have.
        """
        if None in self.layers and layer is None:
            raise InputError(
                "Expected the layer at which these vectors are added, which the file does not say, got none; give it "
                "(--layer N)."
            )
        if self.counted is None and counted is None:
            raise InputError(
                "Expected how layers are counted, which the file does not say, got nothing; say whether they are "
                "blocks counted from 0 or indices into hidden_states (--counted blocks or --counted hidden-states)."
            )
        if counted is not None and counted not in COUNTINGS:
            raise InputError(f"Expected layers counted as {listed(COUNTINGS)}, got {shown(counted)}; choose one.")
        if self.counted is not None and counted not in (None, self.counted):
            raise InputError(
                f"Expected layers counted as {self.counted}, as this kind of file does, got {counted}; leave it out."
            )
        layers: dict[int | None, Tensor] = {}
        for each, tensor in self.layers.items():
            layers[layer if each is None else each] = tensor
        labels = {(layer if each is None else each): names for each, names in self.labels.items()}
        if layer is not None:
            if layer not in layers:
                raise InputError(f"Expected a layer that the file has, {_named(layers)}, got {layer}; choose one.")
            layers = {layer: layers[layer]}
        return replace(self, layers=layers, labels=labels)._from_zero(self.counted or counted or BLOCKS, block_count)

    def _from_zero(self, counted: str, block_count: int) -> Directions:
        offset = 1 if counted == HIDDEN_STATES else 0
        blocks: dict[int | None, Tensor] = {}
        outside = []
        for layer, tensor in self.layers.items():
            assert layer is not None  # filled in by at_blocks
            if offset and layer in (0, block_count):
                outside.append("the embeddings (index 0)" if layer == 0 else "the stream after the final norm")
            elif layer - offset >= block_count:
                raise FileError(
                    f"Expected layers of a model of {block_count} blocks, got layer {layer}; load the model that they "
                    "were found on, or choose another layer."
                )
            else:
                blocks[layer - offset] = tensor
        if not blocks:
            raise FileError(f"Expected vectors at a block's output, got {' and '.join(outside)}; choose another layer.")
        said = self.said
        if outside:
            said += (f"Vectors at {' and '.join(outside)} are left out: no block puts these out.",)
        labels: dict[int | None, tuple[str, ...]] = {
            layer - offset: names for layer, names in self.labels.items() if layer is not None
        }
        return replace(self, layers=blocks, labels=labels, counted=BLOCKS, said=said)

    def names(self, layer: int | None) -> tuple[str, ...]:
        """Names of the rows of a layer, one each; empty where there are none."""
        names = self.labels.get(layer, ())
        return names if len(names) == len(self.layers[layer]) else ("",) * len(self.layers[layer])


def matrix(tensor: Any, where: str = "") -> Tensor:
    """(k, d) float32 on the CPU from a tensor of one or two axes, axes of size 1 aside. Raises FileError for others,
    for values that are not finite, and for a view that claims more than the file holds.
    """
    if not isinstance(tensor, Tensor):
        raise FileError(f"Expected tensors{where}, got {shown(type(tensor).__name__)}; save tensors alone.")
    tensor = tensor.detach()
    size = tuple(tensor.shape)
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or not tensor.is_floating_point():
        raise FileError(f"Expected dense tensors of real numbers{where}, got {tensor.dtype}; save them as float32.")
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        raise FileError(f"Expected tensors{where} that the file holds all numbers of, got a view; save a copy of it.")
    if tensor.ndim > 2:
        tensor = tensor.reshape([length for length in size if length != 1] or [1])
    if tensor.ndim not in (1, 2) or tensor.numel() == 0 or max(tensor.shape) > MOST_WIDTH:
        raise FileError(
            f"Expected vectors (d,) or matrices (k, d){where}, got shape {shown(str(size))}; choose another file."
        )
    found: Tensor = torch.atleast_2d(tensor).to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if not bool(found.isfinite().all()):
        raise FileError(f"Expected finite numbers{where}, got NaN or infinity; make the file again.")
    return found


def label_of(name: object) -> str:
    """A name from a file as a label: on one line and cut; "" for what is no text."""
    if not isinstance(name, str):
        return ""
    line = "".join(sign if sign.isprintable() else " " for sign in name[: 2 * MAX_LABEL]).strip()
    return line.encode("utf-8", "ignore").decode()[:MAX_LABEL]


def _named(layers: Mapping[int | None, Tensor]) -> str:
    there = sorted(layer for layer in layers if layer is not None)
    return ", ".join(map(str, there)) if len(there) <= 8 else f"{there[0]} to {there[-1]}"
