"""A scan's JSON is the scan again, and its CSV has a line a text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from playground.errors import FileError
from playground.library.origin import RowNote
from playground.limits import LIMITS
from playground.services.scan import Cell, Group, ScanRequest, ScanResult, file


def made(count: int = 3) -> ScanResult:
    base = Cell("", None, 1, 0.0, 0.0, 0, 0, "I can't, sorry", (1, 2), True, 0.0, 0.0, 1.5, False, 0.0)
    cells = tuple(
        Cell(
            f"a#{n}@4.2", n, -1, 0.3, 4.2, 0, 0, f'say "{n}",\nnot = x', (n, 7), False, 0.1 * n, 0.25, None, n == 2, 1.0
        )
        for n in range(count)
    )  # fmt: skip
    groups = (Group("say · not", tuple(range(count - 1)), True), Group("noise", (count - 1,)))
    return ScanResult(
        request=ScanRequest(source="a", rows=tuple(range(count)), signs=(-1,), scales=(0.3,), prompts=("Hé?",)),
        model="tiny", fingerprint="0" * 16, dtype="float32", layer=3, residual_norm=14.0, set_hash="ab",
        baselines=(base,), cells=cells, groups=groups, planned=count, cancelled=False, seconds=1.25,
        tokens_per_second=9.0,
        warnings=("made elsewhere",), versions={"torch": "2"}, created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


NOTES = (RowNote(), RowNote(label="code", star=True), RowNote(discarded=True))


def test_json_is_the_scan_again(tmp_path):
    file.save(made(), tmp_path / "scan.json", NOTES)
    assert file.load(tmp_path / "scan.json") == replace(made(), notes=NOTES)
    file.save(made(), tmp_path / "bare.json")
    assert file.load(tmp_path / "bare.json") == made()
    document = json.loads((tmp_path / "scan.json").read_text(encoding="utf-8"))
    assert (document["kind"], document["format_version"]) == ("scan", 2)
    assert document["notes"]["1"] == {"label": "code", "star": True, "note": "", "discarded": False}
    assert set(document["notes"]) == {"1", "2"}


@pytest.mark.parametrize(("relative", "unit"), [("true", "r"), ("false", "a")])
def test_a_scan_of_version_1_is_read(relative, unit):
    text = json.dumps(file.to_json(made()))
    old = text.replace('"format_version": 2', '"format_version": 1').replace('"unit": "r"', f'"relative": {relative}')
    assert file.from_json(old) == replace(made(), request=replace(made().request, unit=unit))
    with pytest.raises(FileError, match="got a damaged one"):
        file.from_json(text.replace('"format_version": 2', '"format_version": 1'))


def test_csv_has_a_line_a_text_baselines_first(tmp_path):
    file.save(made(), tmp_path / "scan.CSV", NOTES)
    lines = list(csv.DictReader(io.StringIO((tmp_path / "scan.CSV").read_text(encoding="utf-8"))))
    assert [line["vector"] for line in lines] == ["", "0", "1", "2"]
    assert lines[0]["text"] == "I can't, sorry"
    assert lines[2] == {
        "vector": "1", "label": "code", "star": "1", "discarded": "0", "sign": "-1", "scale": "0.3", "norm": "4.2",
        "prompt": "Hé?", "sample": "0", "kl": "0.1", "repetition": "0.25", "perplexity": "", "noise": "0",
        "changed": "1", "group": "say · not", "finished": "0", "recipe": "a#1@4.2", "text": 'say "1",\nnot = x',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "no json", "Expected a scan as JSON, got expecting value"),
        (lambda text: "[]", "Expected a scan, got JSON of another kind"),
        (lambda text: text.replace('"kind": "scan"', '"kind": "measure"'), "Expected a scan, got JSON of another kind"),
        (lambda text: text.replace('"format_version": 2', '"format_version": 3'), "version 1 or 2, got 3; update"),
        (lambda text: text.replace('"unit": "r"', '"unit": "x"'), "Expected scales in f .found., r .relative. or a"),
        (lambda text: text.replace('"unit": "r"', '"unit": ["r"]'), "got a damaged one"),
        (lambda text: text.replace('"cells"', '"cell"'), "Expected a whole scan, got a damaged one .*cells"),
        (lambda text: text.replace('"samples": 1', '"samples": 0'), "Expected a whole scan, got a damaged one"),
        (lambda text: text.replace('"kl"', '"lk"'), "Expected a whole scan, got a damaged one"),
        (lambda text: text.replace('"kl": 0.1', '"kl": "much"'), "wrong kl in cell 1"),
        (lambda text: text.replace('"kl": 0.1', '"kl": 1e999'), "wrong kl in cell 1"),
        (lambda text: text.replace('"kl": 0.1', '"kl": 1' + 400 * "0"), "wrong kl in cell 1"),
        (lambda text: text.replace('"norm": 4.2, "prompt": 0', '"norm": 4.2, "prompt": 7'), "wrong prompt in cell 0"),
        (lambda text: text.replace('"row": null', '"row": 1'), "wrong row in baseline 0"),
        (lambda text: text.replace('"row": 2', '"row": 99'), "wrong row in cell 2"),
        (lambda text: text.replace('"row": 2', '"row": "<b>"'), "wrong row in cell 2"),
        (lambda text: text.replace('"sign": -1', '"sign": 0'), "wrong sign in cell 0"),
        (lambda text: text.replace("I can't, sorry", "\\ud800"), "wrong text in baseline 0"),
        (lambda text: text.replace('"members": [2]', '"members": [1]'), "groups that do not hold every cell once"),
        (lambda text: text.replace('"members": [2]', '"members": []'), "wrong member in group 1"),
        (lambda text: text.replace('"seconds": 1.25', '"seconds": null'), "wrong seconds in scan"),
        (lambda text: text.replace('"source": "a"', '"source": 5'), "wrong source in request"),
        (lambda text: text.replace('"notes": {', '"notes": {"first": {}'), "got a damaged one"),
        (lambda text: text.replace('"notes": {', '"notes": {"0": {"label": 5}'), "Expected a label"),
        (lambda text: text.replace('"warnings": ["made elsewhere"]', '"warnings": 5'), "got a damaged one"),
    ],
)
def test_what_is_no_whole_scan_is_refused(change, message):
    text = json.dumps(file.to_json(made()))
    assert change(text) != text
    with pytest.raises(FileError, match=message):
        file.from_json(change(text))


def test_a_file_of_another_kind_is_not_written(tmp_path):
    with pytest.raises(FileError, match="Expected a file name that ends in .json or .csv, got 'scan.txt'"):
        file.save(made(), tmp_path / "scan.txt")
    assert not list(tmp_path.iterdir())


def test_a_note_far_beyond_the_vectors_of_a_scan_takes_no_room():
    text = json.dumps(file.to_json(made())).replace('"notes": {', '"notes": {"999999999999": {}')
    assert len(file.from_json(text).notes) <= LIMITS.cells


def test_what_is_no_text_is_refused_without_the_folder_it_lies_in(tmp_path):
    (tmp_path / "scan.json").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="Expected a scan in scan.json, got “no text in UTF-8”; choose"):
        file.load(tmp_path / "scan.json")
