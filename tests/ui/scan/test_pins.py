"""Pins of a scan: a recipe over all prompts, toggled, kept to the vectors they were set on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playground.errors import InputError
from playground.library.origin import RowNote
from playground.services.scan import Cell, ScanRequest, ScanResult
from playground.ui.scan.pins import comparison, pin_of, toggled


def scan() -> ScanResult:
    def cell(row: int | None, prompt: int) -> Cell:
        text = f"text of {row} to {prompt}"
        return Cell("a#0@1", row, 1, 0.5, 4.0, prompt, 0, text, (), True, 0.5, 0.0, 1.0, False, 0.5)

    return ScanResult(
        request=ScanRequest(source="a", signs=(1,), scales=(0.5,), prompts=("Hi?", "Ho?")), model="m", fingerprint="f",
        dtype="float32", layer=1, residual_norm=8.0, set_hash="ab", planned=4, warnings=(), versions={}, created="",
        baselines=(cell(None, 0), cell(None, 1)), cells=tuple(cell(row, prompt) for prompt in (0, 1) for row in (0, 1)),
    )  # fmt: skip


def test_a_pin_is_its_vector_over_all_prompts():
    result = scan()
    pins = toggled(toggled((), pin_of(result, result.cells[0])), pin_of(result, result.cells[3]))
    html = comparison(result, (RowNote(label="code"),), pins)
    for row in (0, 1):
        assert f"text of {row} to 0" in html.replace('<mark class="sp-changed">', "").replace("</mark>", "")
        assert f"text of {row} to 1" in html.replace('<mark class="sp-changed">', "").replace("</mark>", "")
    assert "+0 at 0.5 · code" in html
    assert 'data-act="steer" data-cell="3"' in html
    assert comparison(replace(result, set_hash="other"), (), pins) == ""


def test_a_second_click_unpins_and_six_are_the_most():
    result = scan()
    pin = pin_of(result, result.cells[0])
    assert toggled((pin,), pin) == ()
    pins = tuple(("ab", row, 1, 0.5, 0) for row in range(6))
    with pytest.raises(InputError, match="at most 6 pinned texts"):
        toggled(pins, ("ab", 7, 1, 0.5, 0))
