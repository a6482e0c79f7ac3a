"""Opening a scan from its JSON file: shown as after its run, with the notes there are now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playground.errors import FileError, InputError, PlaygroundError
from playground.library.vector_set import vectors_hash
from playground.services.scan import ScanResult, file
from playground.ui.kit import markup
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.scan.layout import ScanTab
from playground.ui.scan.notes import noted_now
from playground.ui.scan.run import Updates, show_whole
from playground.ui.scan.state import ScanState
from playground.ui.scan.view import ScanView


def open_scan(frame: Frame, tab: ScanTab, visitor: Visitor, path: str | None, view: ScanView) -> Updates:
    """Updates that show the scan in a file, with the order and filters of `view`. Raises FileError for a file that is
    no scan, InputError while a scan runs; nothing has changed then.
    """
    state = ScanState.of(visitor)
    if state.scanning:
        raise InputError("Expected the scan under way to end first, got a file to open; press Stop, or wait for it.")
    if not path:
        raise FileError("Expected a JSON file that Scan saved, got none; choose one.")
    result = _with_its_set(frame, visitor, file.load(Path(path)))
    state.first, state.discarded = 0, None
    updates = show_whole(frame, tab, visitor, result, view)
    return updates | {tab.notice: markup.notice(_warning(frame, visitor, result), "warning") + updates[tab.notice]}


def _with_its_set(frame: Frame, visitor: Visitor, result: ScanResult) -> ScanResult:
    """The result under the name that its set has here now: it may have been renamed, or saved after the scan."""
    for name in (result.request.source, *frame.store(visitor).names(), NOT_SAVED):
        try:
            same = vectors_hash(frame.any_set(visitor, name)) == result.set_hash
        except PlaygroundError:
            continue
        if same:
            return replace(result, request=replace(result.request, source=name))
    return result


def _warning(frame: Frame, visitor: Visitor, result: ScanResult) -> str:
    """A warning where the loaded model is not the one of a scan, or its vectors are not in the library; else ""."""
    parts, loaded = [], frame.workbench.loaded
    if loaded is None or loaded.fingerprint != result.fingerprint:
        now = "no model is loaded" if loaded is None else f"{loaded.name} is loaded"
        which = "another version of it" if loaded is not None and loaded.name == result.model else now
        parts.append(f"This scan was made on {result.model}; now {which}, which may write other texts.")
    if not noted_now(frame, visitor)[1]:
        parts.append("Its vectors are not in the library: names and stars are those of the file, and stay as they are.")
    return " ".join(parts)
