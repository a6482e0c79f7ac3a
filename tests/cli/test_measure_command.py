"""python -m playground measure: what it prints and writes, what it refuses, and the command that repeats it."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shlex
import signal
from types import SimpleNamespace

import pytest
import torch

from playground.cli.main import build_parser
from playground.cli.measure import asked
from playground.library import measurements, prompts, vector_set
from playground.library.store import Store
from playground.model.prompting import PromptFormat
from playground.services.command import measure_command
from playground.services.measure import MeasuredVector, MeasureRequest
from playground.services.measure.document import from_document

SHIPPED = "organism-refusals-power-3-9"
WORDS = ("measure", "--choices", "organism-oversight", "--count", "6", "--vectors", SHIPPED)
ORGANISM = SimpleNamespace(name="organism", dtype=torch.float32, device=torch.device("cpu"))


def test_json_holds_a_row_for_every_vector_and_scale(command, tmp_path):
    out, items = tmp_path / "x.measure.json", tmp_path / "x.csv"
    done = command(
        *WORDS, "--rows", "0,3", "--scales=-10,0,10", "--controls", 2, "--json", "--out", out, "--items-out", items
    )
    assert done.status == 0
    printed = json.loads(done.out)
    assert printed["items"] == 6
    assert printed["skipped"] == 0
    assert [(row["vector"], row["scale"]) for row in printed["rows"]] == [
        (vector, scale) for vector in (0, 3, "random-0", "random-1") for scale in (-10, 0, 10)
    ]
    for row in printed["rows"]:
        assert row["low"] <= row["mean"] <= row["high"]
        assert 0 <= row["share"] <= 1
        if row["scale"] == 0:
            assert row["mean"] == printed["baseline"]["mean"]
    kept = from_document(measurements.read(out))
    assert [row.mean for row in kept.rows] == [row["mean"] for row in printed["rows"]]
    with items.open() as file:
        assert len(list(csv.DictReader(file))) == 6 * 13


def test_text_has_a_table_of_the_best_of_each_method(command, tmp_path):
    out = tmp_path / "x.csv"
    done = command(*WORDS, "--rows", "0,3", "--scales=-10,10", "--controls", 1, "--out", out)
    assert done.status == 0
    assert "6 items of organism-oversight, by logit" in done.out
    assert "mean of the means for 3 × (A) and 3 × (B)" in done.out
    assert f"power: {SHIPPED}#3 of 2" in done.out
    assert "random controls: random-0 of 1" in done.out
    with out.open() as file:
        assert [line["kind"] for line in csv.DictReader(file)] == ["baseline", *["vector"] * 4, *["random"] * 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scales=-10,five",), "expected a scale that is a finite number, got 'five'"),
        (("--scales=1,nan",), "expected a scale that is a finite number, got 'nan'"),
        (("--scales=1", "--controls", "0"), "expected a number of random controls of 1 or more, got '0'"),
        (("--scales=1", "--rows", "0,12"), f"expected vectors of {SHIPPED} from 0 to 11, got 12"),
        (("--scales=1", "--rows", "mean:0-13"), "expected rows of"),
        (("--scales=1", "--out", "x.txt"), "expected a file that ends in .json or .csv, got x.txt"),
        (("--scales=1", "--count", "49"), "expected a count of at most 48"),
        (("--scales=1", "--choices", "organism-refusals"), "expected a set of the kind choices"),
        (("--scales=1", "--choices", "no-such-set"), "expected the name of a prompt set or a file"),
        (("--scales=1", "--vectors", "no-such-set"), "expected the name of a vector set or a file"),
        (("--scales=1", "--rows", "0", "--rows", "1"), "expected --rows once for"),
        ((), "expected --scales, got nothing for it"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(command, words, said):
    done = command(*WORDS, *words, "--json")
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith(f"playground: {said}")
    assert done.err.count("\n") == 1


def test_a_set_for_another_width_is_refused(command, tiny_path):
    done = command(*WORDS, "--model", tiny_path("qwen3"), "--scales=1")
    assert done.status == 2
    assert done.err.startswith("playground: expected a set of width 32")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_rows_there_are(command, tmp_path, monkeypatch):
    place = importlib.import_module("playground.cli.measure")
    real, pressed = place._line, []

    def interrupted(event):
        if event.new and not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return real(event)

    monkeypatch.setattr(place, "_line", interrupted)
    out = tmp_path / "x.json"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = command(*WORDS, "--scales=-10,10", "--json", "--out", out)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.status == 130
    assert "rows are complete" in done.err
    kept = from_document(measurements.read(out))
    assert kept.cancelled
    assert 2 <= len(kept.rows) < 2 * 16
    assert kept.rows[-1].kind == "random"


def again(request: MeasureRequest, choices: str | None = None) -> MeasureRequest:
    words = shlex.split(measure_command(request, ORGANISM, choices))
    options = build_parser("measure").parse_args(words[3:])
    sets = {source: Store().open_source(source) for source, _ in options.vectors}
    return asked(options, prompts.read(options.choices), sets)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"relative": True, "scales": (-0.75, 0.1, 1e-7)},
        {"format": PromptFormat(chat=False), "positions": "prompt"},
        {"format": PromptFormat(system="-odd; it's"), "max_items": 7},
        {"seed": 2**63 - 1, "controls": 12},
    ],
)
def test_the_command_reads_back_as_the_request(changes, tmp_path):
    copy = tmp_path / "a b.safetensors"
    vector_set.save(Store().load(SHIPPED), copy)
    given = {
        "choices": prompts.read("organism-oversight"),
        "vectors": (MeasuredVector(SHIPPED, 2), MeasuredVector(SHIPPED, mean=(0, 3)), MeasuredVector(str(copy), 0)),
        "scales": (-5.0, 0.0, 2.5),
    }
    request = MeasureRequest(**(given | changes))
    assert again(request) == request
