"""EasySteer's steering specification as JSON: vectors with scale, layers, and the tokens they are added at.

A list `vectors`, each with `source` (a GGUF control vector beside the file) or `data` ({layer: vector}, or raw float32
in base64 with its hash), `scale`, `layers`, `algorithm` and `apply`: the prompt's tokens, generated ones, or windows of
them. Layers are blocks from 0. Written for https://github.com/ZJU-REAL/EasySteer (docs/user-guide/steering.md,
payload version 1); `phases` of its earlier versions are read too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.errors import FileError
from playground.library.formats import control_vector
from playground.library.formats.format import ONE_A_LAYER, Format
from playground.library.strict_json import parse_json
from playground.library.text import shown

if TYPE_CHECKING:
    from torch import Tensor

    from playground.library.directions import Directions

MOST_BYTES = 2**26
"""Of a file: vectors of forty layers of the widest models in base64 are 4 MB."""
MOST_VECTORS = 4096
_VERSION, _KIND = 1, "direction"
_LAYER = re.compile(r"(?:layer\.)?(\d{1,9})", re.ASCII)
_PHASES = {"all": ("prompt", "generation"), "prompt": ("prompt",), "generated": ("generation",)}
_AGAIN = "; see EasySteer's steering guide, or write the file again."


def read(path: Path) -> Directions:
    import torch

    from playground.library.directions import BLOCKS, Directions, label_of
    from playground.library.origin import HOOK_SITE

    rows: dict[int, list[Tensor]] = {}
    names: dict[int, list[str]] = {}
    clauses = []
    for number, entry in enumerate(_entries(path), start=1):
        clauses.append(entry["apply"])
        for layer, vector in _vectors(entry, path, number).items():
            if rows and vector.numel() != next(iter(rows.values()))[0].numel():
                raise FileError(f"Expected vectors of one width, got another in vector {number}{_AGAIN}")
            rows.setdefault(layer, []).append(vector)
            names.setdefault(layer, []).append(label_of(entry.get("name")))
    if not rows:
        raise FileError(f"Expected a vector at some layer, got none{_AGAIN}")
    places = {_positions(clause) for clause in clauses}
    positions = places.pop() if len(places) == 1 else None
    said: tuple[str, ...] = ()
    if positions is None:
        said = (
            "The file adds its vectors at chosen tokens, which a set does not keep; they are noted among its "
            "parameters.",
        )
    return Directions(
        {layer: torch.stack(vectors) for layer, vectors in rows.items()},
        counted=BLOCKS,
        site=HOOK_SITE,
        positions=positions or "all",
        labels={layer: tuple(own) for layer, own in names.items() if any(own)},
        about={} if positions is not None else {"apply": clauses},
        said=said,
    )


def write(directions: Directions) -> bytes:
    tensors = {f"layer.{layer}": vector[0].numpy().tobytes() for layer, vector in directions.layers.items()}
    wire = {
        "version": _VERSION,
        "kind": _KIND,
        "tensors": {
            name: {"shape": [len(data) // 4], "data": base64.b64encode(data).decode()}
            for name, data in sorted(tensors.items())
        },
        "extra": {},
        "sha256": _digest(tensors),
    }
    name = next((names[0] for layer in directions.layers if (names := directions.names(layer))), "")
    vector = {
        "data": wire,
        "algorithm": "direct",
        "scale": 1.0,
        "layers": sorted(layer for layer in directions.layers if layer is not None),
        "normalize": False,
        "apply": dict.fromkeys(_PHASES[directions.positions], "all"),
        **({"name": name} if name else {}),
    }
    return json.dumps({"vectors": [vector], "conflict": "sequential"}, indent=1).encode()


def _digest(tensors: Mapping[str, bytes]) -> str:
    """The hash of float32 vectors by name, as the engine computes it to tell payloads apart."""
    digest = hashlib.sha256(f"{_KIND}:{_VERSION}".encode())
    for name, data in sorted(tensors.items()):
        digest.update(name.encode() + str((len(data) // 4,)).encode() + data)
    return digest.hexdigest()


def _entries(path: Path) -> list[dict[str, Any]]:
    """The vectors of a file, each an object that adds something and says where."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise FileError(f"Expected a file that can be read, got {path.name}; check it.") from error
    if data is None:
        raise FileError(f"Expected a specification of at most {MOST_BYTES >> 20} MiB, got a larger file; split it.")
    try:
        document = parse_json(data.decode())
    except ValueError as error:
        raise FileError(f"Expected JSON, got {error}{_AGAIN}") from error
    entries = document.get("vectors") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_VECTORS:
        raise FileError(f"Expected an object with a list `vectors` of 1 to {MOST_VECTORS}, got another value{_AGAIN}")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or not isinstance(entry.get("apply"), dict):
            raise FileError(f"Expected vector {number} to be an object with `apply`, got {shown(entry)}{_AGAIN}")
        algorithm = entry.get("algorithm", "direct")
        if algorithm != "direct" or entry.get("normalize", False) is not False:
            raise FileError(
                f"Expected vectors that are added (`algorithm` direct, `normalize` false), got {shown(algorithm)} in "
                f"vector {number}; a vector set holds no other operation."
            )
    return entries


def _vectors(entry: dict[str, Any], path: Path, number: int) -> dict[int, Tensor]:
    """{layer: (d,) float32}, times the scale, at the layers that the entry names."""
    scale, data, chosen = entry.get("scale", 1.0), entry.get("data"), entry.get("layers")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not abs(scale) < 1e30:
        raise FileError(f"Expected a finite `scale` in vector {number}, got {shown(scale)}{_AGAIN}")
    if chosen is not None and not (isinstance(chosen, list) and all(type(layer) is int for layer in chosen)):
        raise FileError(f"Expected `layers` of vector {number} to be a list of numbers, got {shown(chosen)}{_AGAIN}")
    if (data is None) == (entry.get("source") is None):
        raise FileError(f"Expected either `source` or `data` in vector {number}, got both or neither{_AGAIN}")
    layers = _beside(entry["source"], path) if data is None else _payload(data, number)
    return {layer: scale * vector for layer, vector in layers.items() if chosen is None or layer in chosen}


def _beside(source: object, path: Path) -> dict[int, Tensor]:
    """The vectors of a control vector in the folder of the specification or below it."""
    folder = path.parent.resolve()
    try:
        there = (folder / source).resolve() if isinstance(source, str) else folder
        inside = there.suffix.lower() == ".gguf" and there.is_relative_to(folder) and there.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it
        inside = False
    if not inside:
        raise FileError(
            f"Expected the GGUF file {shown(source)} in the folder of the specification, got none there; put it beside "
            "it, or import that file itself."
        )
    found = control_vector.read(there)
    return {layer: tensor[0] for layer, tensor in found.layers.items() if layer is not None}


def _payload(data: object, number: int) -> dict[int, Tensor]:
    """The vectors of `data`: {layer: list of numbers}, or float32 in base64 under the names layer.N."""
    import torch

    tensors = data.get("tensors", data) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(tensors, dict) or not tensors:
        raise FileError(f"Expected `data` of vector {number} to be {{layer: vector}}, got {shown(data)}{_AGAIN}")
    if tensors is not data and (data.get("kind") != _KIND or data.get("version") != _VERSION):
        raise FileError(
            f"Expected `data` of kind {_KIND}, version {_VERSION}, in vector {number}, got {shown(data.get('kind'))}, "
            f"version {shown(data.get('version'))}{_AGAIN}"
        )
    layers = {}
    for name, value in tensors.items():
        found = _LAYER.fullmatch(name)
        if found is None or int(found[1]) in layers:
            raise FileError(f"Expected each layer once in `data` of vector {number}, got {shown(name)}{_AGAIN}")
        if isinstance(value, dict):
            layers[int(found[1])] = _from_base64(value, number)
        elif isinstance(value, list) and value and all(type(one) in (int, float) and _fits(one) for one in value):
            layers[int(found[1])] = torch.tensor(value, dtype=torch.float32)
        else:
            raise FileError(f"Expected a list of numbers at layer {found[1]} of vector {number}{_AGAIN}")
    return layers


def _fits(number: int | float) -> bool:
    return -3e38 < number < 3e38


def _from_base64(value: Mapping[str, Any], number: int) -> Tensor:
    import torch

    try:
        raw = base64.b64decode(value.get("data", ""), validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise FileError(f"Expected base64 in `data` of vector {number}, got other text{_AGAIN}") from error
    shape = value.get("shape")
    if not raw or len(raw) % 4 or shape != [len(raw) // 4]:
        raise FileError(f"Expected float32 numbers of the shape given in vector {number}, got {shown(shape)}{_AGAIN}")
    return torch.frombuffer(bytearray(raw), dtype=torch.float32)


def _positions(clause: Mapping[str, Any]) -> Any:
    """The positions of a clause without windows and tokens of its own; None for others."""
    said = {key: value for key, value in clause.items() if value is not None}
    phases = said.pop("phases", None)
    if phases is None:
        phases = [key for key in ("prompt", "generation") if said.pop(key, None) == "all"]
    if said or not isinstance(phases, list):
        return None
    return next((name for name, own in _PHASES.items() if sorted(map(str, phases)) == sorted(own)), None)


FORMAT = Format(
    ".json", "directions", read, write, place=2, name="easysteer", label="EasySteer (.json)",
    positions=tuple(_PHASES),
    loses=ONE_A_LAYER,
)  # fmt: skip
