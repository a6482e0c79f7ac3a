"""Models and vector sets as the command line names them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from playground.cli.terminal import Progress
from playground.library import vector_set
from playground.library.store import Store
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


def load_set(source: str) -> VectorSet:
    """A set by the path of its file, or by its name in the library. Raises FileError when it is neither."""
    return vector_set.load(path_of(source))


def path_of(source: str) -> Path:
    """The file of a set that is named as in `load_set`."""
    # A file that is named as it is comes first: what `find --out` has just written must not be taken for a set of the
    # same name in the library.
    if os.path.isfile(source):
        return Path(source)
    return Store().path_of(source)
