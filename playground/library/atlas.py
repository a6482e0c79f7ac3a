"""Atlas ↔ a safetensors file: leading singular values and vectors of many layer pairs (vectors/FORMAT.md)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load as deserialize
from safetensors.torch import save as serialize
from torch import Tensor

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.library.header import ATLAS_KEY, read_document, read_metadata, write_document
from playground.library.origin import Origin
from playground.library.text import reason
from playground.library.vector_set import VectorSet

SUFFIX = ".atlas.safetensors"
MAX_FILE_BYTES = 2**32

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Atlas:
    """P pairs of layers (s, t), s < t, with the k leading singular vectors of each pair's Jacobian.

    pairs (P, 2) int64, ascending. singular_values (P, k) float32, descending in each pair. vectors (P, k, d) float32,
    orthonormal rows. converged (P,) bool: all k of a pair reached the tolerance. residual_norms (L,) float32: the
    reference norm of the residual stream at each block, 0 where it was not needed. `origin` says how they were found;
    its source and target are the first and the last layer. `effects` are tensors of values a pair, row and sign,
    (P, k, 2), by name: what was measured of the vectors later, NaN where nothing was.

    Raises FileError when shapes disagree or a value is not finite.
    """

    pairs: Tensor
    singular_values: Tensor
    vectors: Tensor
    converged: Tensor
    residual_norms: Tensor
    origin: Origin
    effects: Mapping[str, Tensor] = field(default_factory=dict)
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        count, d, blocks = len(self.pairs), self.origin.width, self.origin.block_count
        k = self.singular_values.shape[1] if self.singular_values.ndim == 2 else 0
        shapes: dict[str, tuple[int, ...]] = {
            "pairs": (count, 2),
            "singular_values": (count, k),
            "vectors": (count, k, d),
            "converged": (count,),
            "residual_norms": (blocks,),
        }
        for name, shape in shapes.items():
            values: Tensor = getattr(self, name)
            if tuple(values.shape) != shape or count == 0 or k == 0:
                raise FileError(
                    f"Expected `{name}` of shape {shape}, at least one pair and one vector, got "
                    f"{tuple(values.shape)}; make the atlas again."
                )
            if not bool(values.isfinite().all()):
                raise FileError(f"Expected `{name}` of finite numbers, got NaN or infinity; make the atlas again.")
        sources, targets = self.pairs.T
        if bool((sources < 0).any() | (sources >= targets).any() | (targets >= blocks).any()):
            raise FileError(
                f"Expected pairs of layers s < t below the {blocks} blocks of the model, got others; make the atlas "
                "again."
            )
        if len(set(map(tuple, self.pairs.tolist()))) < count:
            raise FileError("Expected every pair of layers once, got some twice; make the atlas again.")
        if bool((self.residual_norms[sources.unique()] <= 0).any()):
            raise FileError("Expected a residual norm above 0 at every source, got others; make the atlas again.")
        for name, values in self.effects.items():
            if tuple(values.shape) != (count, k, 2):
                raise FileError(
                    f"Expected `effect.{name}` of shape {(count, k, 2)}, got {tuple(values.shape)}; make it again."
                )

    @property
    def k(self) -> int:
        """Vectors of a pair."""
        return self.singular_values.shape[1]

    @property
    def places(self) -> dict[Pair, int]:
        """Number of each pair among the rows of the tensors."""
        return {(source, target): place for place, (source, target) in enumerate(self.pairs.tolist())}

    @property
    def sources(self) -> list[int]:
        return sorted(set(self.pairs[:, 0].tolist()))

    @property
    def targets(self) -> list[int]:
        return sorted(set(self.pairs[:, 1].tolist()))

    def vector_set(self, pair: Pair) -> VectorSet:
        """The vectors of one pair as a set, as if find had found them there. Raises FileError for another pair."""
        places = self.places
        if pair not in places:
            raise FileError(f"Expected a pair of layers of this atlas, got {pair[0]} → {pair[1]}; choose another cell.")
        place = places[pair]
        origin = replace(
            self.origin,
            source=pair[0],
            target=pair[1],
            residual_norm=float(self.residual_norms[pair[0]]),
            converged=bool(self.converged[place]),
        )
        return VectorSet(
            vectors=self.vectors[place],
            origin=origin,
            singular_values=self.singular_values[place],
            name=f"{self.name or 'atlas'}-{pair[0]}-{pair[1]}",
        )


def save(atlas: Atlas, path: Path | str) -> None:
    """Write an atlas as a safetensors file. Raises FileError when that is not possible."""
    write_atomically(Path(path), to_bytes(atlas))


def load(path: Path | str) -> Atlas:
    """The atlas in a file. Raises FileError, and nothing else, when there is none."""
    path = Path(path)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise FileError(f"Expected to read {path}, got “{reason(error)}”; check the path.") from error
    if size > MAX_FILE_BYTES:
        raise FileError(f"Expected an atlas of at most {MAX_FILE_BYTES} bytes, got {size}; choose another file.")
    return from_bytes(data, path.name.removesuffix(SUFFIX).removesuffix(".safetensors"))


def to_bytes(atlas: Atlas) -> bytes:
    """The file of an atlas, as bytes (for a download)."""
    tensors = {
        "pairs": atlas.pairs,
        "singular_values": atlas.singular_values,
        "vectors": atlas.vectors,
        "converged": atlas.converged,
        "residual_norms": atlas.residual_norms,
    }
    tensors |= {f"effect.{name}": values for name, values in atlas.effects.items()}
    document = write_document(atlas.origin, (), atlas.description)
    return serialize({name: tensor.clone() for name, tensor in tensors.items()}, metadata={ATLAS_KEY: document})


def from_bytes(data: bytes, name: str = "") -> Atlas:
    """The atlas in a file's bytes. Raises FileError, and nothing else, when they are not one."""
    called = f"“{name}”" if name else "the file"
    try:
        tensors = deserialize(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise FileError(f"Expected an atlas, got {called}, no whole safetensors file; choose another.") from error
    _, _, metadata = read_metadata(io.BytesIO(data), len(data))
    if not isinstance(metadata.get(ATLAS_KEY), str):
        raise FileError(
            f"Expected an atlas, got {called}, a safetensors file without `{ATLAS_KEY}` in its metadata; choose one "
            "that `python -m playground atlas` wrote."
        )
    _, origin, _, description = read_document(metadata[ATLAS_KEY])
    kinds = {
        "pairs": torch.int64,
        "singular_values": torch.float32,
        "vectors": torch.float32,
        "converged": torch.bool,
        "residual_norms": torch.float32,
    }
    for key, kind in kinds.items():
        if key not in tensors or tensors[key].dtype != kind:
            got = str(tensors[key].dtype).removeprefix("torch.") if key in tensors else "none"
            raise FileError(
                f"Expected a tensor `{key}` of {str(kind).removeprefix('torch.')} in {called}, got {got}; make the "
                "atlas again."
            )
    if tensors["pairs"].ndim != 2 or tensors["pairs"].shape[1] != 2:
        raise FileError(f"Expected `pairs` of shape (P, 2) in {called}, got another; make the atlas again.")
    effects = {key.removeprefix("effect."): tensors[key] for key in tensors if key.startswith("effect.")}
    return Atlas(
        **{key: tensors[key] for key in kinds},
        origin=origin,
        effects={key: values.float() for key, values in effects.items()},
        name=name,
        description=description,
    )
