"""Runs the stages into a folder: a finished stage is a file with the hash of its settings, and is not run again."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playground.errors import Cancelled
from playground.library.atomic import write_atomically
from playground.library.origin import now
from playground.model.interrupt import interruptible
from playground.model.load import LoadedModel
from playground.services.evidence import choices, copies, effects, melbo, steered
from playground.services.evidence.context import StageContext
from playground.services.evidence.page import write_page
from playground.services.evidence.request import STAGES, EvidenceRequest

_LOG = logging.getLogger(__name__)

VERSION = 1
"""Version of the computation of the stages; a new one makes old results stale."""

RUNS: dict[str, Callable[[StageContext, Any], tuple[dict[str, Any], dict[str, str]]]] = {
    "choices": choices.run,
    "steered": steered.run,
    "melbo": melbo.run,
    "copies": copies.run,
    "effects": effects.run,
}


@dataclass(frozen=True)
class EvidenceResult:
    """`stages`: the document of each finished stage, by name; `ran`: names of those that were run now. `findings` as in
    findings.py.
    """

    stages: dict[str, dict[str, Any]]
    ran: tuple[str, ...]
    findings: list[dict[str, str]]
    cancelled: bool


def evidence(
    loaded: LoadedModel,
    request: EvidenceRequest,
    folder: Path,
    tell: Callable[[str], None] = lambda text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> EvidenceResult:
    """Run the stages of the request that `folder` does not hold yet, and write the page after each.

    A cancel keeps the finished stages. Stages outside of the request are taken from the folder where they are there.
    Raises FileError for a folder that cannot be written to, and what the stages raise for settings the model cannot
    meet.
    """
    ran: list[str] = []
    stopped = False
    for stage in STAGES:
        if stage not in request.stages or _read(folder, stage, settings_hash(loaded, request, stage)) is not None:
            continue
        if cancelled():
            stopped = True
            break
        begun = time.perf_counter()

        def line(text: str, stage: str = stage) -> None:
            tell(f"{stage} · {text}")

        line("begins")
        try:
            with interruptible(loaded.model, cancelled) as asked:
                data, figures = RUNS[stage](StageContext(loaded, request.seed, line, asked), getattr(request, stage))
        except Cancelled:
            stopped = True
            break
        _write(folder, stage, request, loaded, data, figures, time.perf_counter() - begun)
        ran.append(stage)
        write_page(folder, loaded.name, request, _known(folder, loaded, request))
    stages = _known(folder, loaded, request)
    findings = write_page(folder, loaded.name, request, stages)
    return EvidenceResult(stages, tuple(ran), findings, stopped)


def settings_hash(loaded: LoadedModel, request: EvidenceRequest, stage: str) -> str:
    """Hash that identifies a run of a stage: of its settings, the seed, the model and the version."""
    settings = {
        "version": VERSION, "stage": stage, "seed": request.seed, "settings": asdict(getattr(request, stage)),
        "fingerprint": loaded.fingerprint, "dtype": str(loaded.dtype),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _known(folder: Path, loaded: LoadedModel, request: EvidenceRequest) -> dict[str, dict[str, Any]]:
    found = {stage: _read(folder, stage, settings_hash(loaded, request, stage)) for stage in STAGES}
    return {stage: one for stage, one in found.items() if one is not None}


def _read(folder: Path, stage: str, expected: str) -> dict[str, Any] | None:
    """The document of a stage; None when it is missing, unreadable or of other settings."""
    try:
        document = json.loads((folder / f"{stage}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _LOG.warning("%s.json in %s cannot be read, the stage counts as not run (%s)", stage, folder, error)
        return None
    usable = isinstance(document, dict) and document.get("hash") == expected and isinstance(document.get("data"), dict)
    return document if usable else None


def _write(
    folder: Path,
    stage: str,
    request: EvidenceRequest,
    loaded: LoadedModel,
    data: dict[str, Any],
    figures: dict[str, str],
    seconds: float,
) -> None:
    """The figures first: a stage counts as finished when its numbers are there."""
    for name, text in figures.items():
        write_atomically(folder / name, text.encode())
    document = {
        "stage": stage, "hash": settings_hash(loaded, request, stage), "seed": request.seed,
        "settings": asdict(getattr(request, stage)), "fingerprint": loaded.fingerprint,
        "dtype": str(loaded.dtype).removeprefix("torch."), "device": str(loaded.device), "seconds": round(seconds, 1),
        "written": now(), "figures": list(figures), "data": _plain(data),
    }  # fmt: skip
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / f"{stage}.json", text.encode())


def _plain(value: Any) -> Any:
    """A value for JSON: numbers with six significant digits, null for those that are not finite."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
