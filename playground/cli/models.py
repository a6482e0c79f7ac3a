"""Models and vector sets as the command line names them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from playground.cli.terminal import Progress
from playground.library.store import open_set
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel, load


def load_quietly(options: argparse.Namespace, progress: Progress) -> LoadedModel:
    """The model of --model, --device and --dtype, with its loading as progress."""
    try:
        return load(
            options.model,
            options.device,
            options.dtype,
            on_progress=lambda stage, share: progress.show(f"{stage} · {share:.0%}"),
        )
    finally:
        progress.clear()


def follow_model(options: argparse.Namespace, vector_set: VectorSet) -> None:
    """Without --model, the model that the set was made on."""
    if options.model is None and vector_set.origin.model != "organism":
        options.model = vector_set.origin.model


def load_sets(sources: Iterable[str]) -> dict[str, VectorSet]:
    """The sets in these files or of these names, read before the model: a wrong name should not cost a minute. Raises
    FileError for one that is not there.
    """
    return {source: open_set(source) for source in dict.fromkeys(sources)}
