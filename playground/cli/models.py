"""Loads the model and the vector sets that the options name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from playground.cli.terminal import Progress, tell
from playground.library.store import open_set
from playground.library.vector_set import VectorSet, check_fits
from playground.model.adapter import split_adapter
from playground.model.load import LoadedModel, load


def load_quietly(options: argparse.Namespace, progress: Progress) -> LoadedModel:
    """Load the model of --model, --adapter, --device and --dtype, with progress. Raises ModelError."""
    try:
        return load(
            options.model,
            options.device,
            options.dtype,
            on_progress=lambda stage, share: progress.show(f"{stage} · {share:.0%}"),
            adapter=options.adapter,
        )
    finally:
        progress.clear()


def follow_model(options: argparse.Namespace, vector_set: VectorSet) -> None:
    """Set --model and --adapter to the model that the set was made on, each unless it is given; with another --model
    there is no adapter but a given one.
    """
    if options.model is None:
        name, adapter = split_adapter(vector_set.origin.model)
        options.model = None if name == "organism" else name
        options.adapter = options.adapter or adapter


def load_for(options: argparse.Namespace, vector_set: VectorSet, progress: Progress) -> LoadedModel:
    """The model that a set was made on, unless another is named; a warning where the set is not of it. Raises
    ModelError, FileError for a set of another width.
    """
    follow_model(options, vector_set)
    loaded = load_quietly(options, progress)
    warning = check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    if warning is not None:
        tell(f"warning: {warning}")
    return loaded


def load_sets(sources: Iterable[str]) -> dict[str, VectorSet]:
    """Vector sets by file or name, read before the model, so that a wrong name is refused at once. Raises FileError."""
    return {source: open_set(source) for source in dict.fromkeys(sources)}
