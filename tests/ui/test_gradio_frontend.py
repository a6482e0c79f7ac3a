"""Names in Gradio's frontend that page.js relies on; their effect is tested in tests/browser/test_frame_page.py."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def test_the_class_of_event_states_has_the_members_that_page_js_replaces() -> None:
    (package,) = find_spec("gradio").submodule_search_locations
    (file,) = (Path(package) / "templates" / "frontend" / "assets").glob("statustracker-*.js")
    code = file.read_text(encoding="utf-8")
    states = code[code.index("class{current={};") :]
    update, resolve = states.index("update(e){"), states.index("resolve_args(e){")
    assert "type:" in states[update:resolve]
    assert "stream_state" in states[resolve:]
    assert "`input`" in states[resolve:]
