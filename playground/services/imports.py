"""Vectors of other tools as vector sets of the loaded model: a set a layer, with the model's reference norm there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from playground.core.positions import check_positions
from playground.core.positions import said as words_of
from playground.errors import Cancelled, InputError
from playground.library import prompts
from playground.library.directions import MLP_OUTPUT, SITES, Directions
from playground.library.origin import HOOK_SITE, Origin, label_note, library_versions, now
from playground.library.prompt_set import PromptSet, content_hash
from playground.library.text import listed, shown
from playground.library.vector_set import VectorSet
from playground.model.activations import residual_streams
from playground.model.chat_template import reads_date
from playground.model.load import LoadedModel
from playground.model.mlp_site import mlp_is_block_output
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.services import recent

_USUAL, _ORGANISMS, _COUNT = "neutral", "organism-requests", 8
"""Prompt sets for the reference norm where none is named, and how many of their prompts: a median hardly needs more."""
METHOD = "imported"
"""Method of a set that another tool's file became."""


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """`directions` of a file called `name` (with its suffix), and what the file does not say.

    `layer` and `counted` as in `Directions.at_blocks`; `site`, one of SITES, is where the vectors were added when they
    were found (None: as the file says, else the block's output). `prompts` give the reference norm, and are kept for
    the search for scales. Raises InputError for values that are wrong whatever the model.
    """

    directions: Directions
    name: str
    prompts: tuple[str, ...]
    prompt_set: str | None = None
    format: PromptFormat = field(default_factory=PromptFormat)
    layer: int | None = None
    counted: str | None = None
    site: str | None = None

    def __post_init__(self) -> None:
        check_positions(self.directions.positions)
        if not self.prompts:
            raise InputError("Expected prompts for the reference norm, got none; name a prompt set, or type one.")
        self.format.check_prompts(self.prompts)
        if self.site not in (None, *SITES):
            raise InputError(f"Expected vectors at the {listed(SITES)}, got {shown(self.site)}; choose one of them.")


@dataclass(frozen=True)
class Imported:
    """`sets`: one a layer, in their order. `said`: sentences about what of the file they do not hold."""

    sets: tuple[VectorSet, ...]
    said: tuple[str, ...]


def usual_prompts(organism: bool) -> PromptSet:
    """The prompts that a reference norm is measured on where none are named."""
    return prompts.select(prompts.read(_ORGANISMS if organism else _USUAL), _COUNT)


@torch.no_grad()
def import_directions(
    loaded: LoadedModel,
    request: ImportRequest,
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Imported:
    """The vectors of a file as sets of this model, one a layer, in the norms that the file gives them.

    `emit` gets the share that is done. Raises FileError for another width and for blocks that are not there, InputError
    for an answer that is missing, and for vectors found at the MLP's output of a model in which that is another place;
    Cancelled when it is stopped.
    """
    recent.ran(request)
    placed = request.directions.fitting(loaded.width, loaded.name)
    placed = placed.at_blocks(loaded.block_count, request.layer, request.counted)
    encoded = encode(loaded, request.prompts, request.format)
    site = request.site or placed.site or HOOK_SITE
    sets = []
    for number, layer in enumerate(sorted(layer for layer in placed.layers if layer is not None)):
        if cancelled():
            raise Cancelled
        norm = residual_streams(loaded, encoded, layer, 1, cancelled).reference_norm
        if site == MLP_OUTPUT:
            _check_site(loaded, encoded, layer, norm)
        sets.append(_set(loaded, request, placed, layer, norm, site))
        emit((number + 1) / len(placed.layers))
    return Imported(tuple(sets), placed.said + _more_said(loaded, placed))


def _check_site(loaded: LoadedModel, encoded: Encoded, layer: int, norm: float) -> None:
    if not mlp_is_block_output(loaded, encoded, layer, norm):
        raise InputError(
            f"Expected vectors of the block's output, got ones of the MLP's, which in {loaded.name} is another place: "
            f"more than the residual addition follows it at block {layer}; choose the block output to add them there "
            "all the same (--site block)."
        )


def _set(
    loaded: LoadedModel, request: ImportRequest, placed: Directions, layer: int, norm: float, site: str
) -> VectorSet:
    stem = request.name.rpartition(".")[0] or request.name
    parameters: dict[str, object] = {"file": request.name, "found_at": site}
    if placed.model or placed.about:
        parameters["file_says"] = dict(placed.about) | ({"model": placed.model} if placed.model else {})
    if request.format.chat:
        parameters["thinking"] = request.format.thinking
        if reads_date(loaded):
            parameters["date"] = request.format.date
    origin = Origin(
        model=loaded.name, revision=loaded.revision, fingerprint=loaded.fingerprint, width=loaded.width,
        block_count=loaded.block_count, source=layer, positions=placed.positions, method=METHOD,
        parameters=parameters,
        prompts=request.prompts, prompt_set=request.prompt_set, prompt_hash=content_hash(request.prompts),
        chat=request.format.chat, system=request.format.system, residual_norm=norm, versions=library_versions(),
        created=now(),
    )  # fmt: skip
    return VectorSet(
        placed.layers[layer], origin, notes=tuple(map(label_note, placed.names(layer))),
        name=stem if len(placed.layers) == 1 else f"{stem}-{layer}",
    )  # fmt: skip


def _more_said(loaded: LoadedModel, placed: Directions) -> tuple[str, ...]:
    said = []
    known = {loaded.name, str(getattr(loaded.model.config, "model_type", "")), ""}
    if placed.model not in known:
        said.append(f"The file calls its model {shown(placed.model)}; its vectors are kept as ones of {loaded.name}.")
    if placed.positions != "all":
        where = words_of(placed.positions)
        said.append(f"The file adds its vectors at {where} only: choose these positions where you steer.")
    return tuple(said)
