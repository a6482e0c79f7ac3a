"""python -m playground words: words of a set that ships, through J and through a lens; bad lenses in one line."""

from __future__ import annotations

import json

import pytest
import torch

SET = "organism-refusals-power-3-9"


def test_words_of_the_rows_asked_for_as_json(command):
    run = command("words", SET, "--rows", "0,3", "--first", 2, "--count", 3, "--json")
    assert run.status == 0, run.err
    data = json.loads(run.out)
    assert data["prompts"] == 2
    assert data["lens"] is None
    assert [(row["row"], row["sign"]) for row in data["rows"]] == [(0, 1), (0, -1), (3, 1), (3, -1)]
    assert all(len(row["words"]) <= 3 for row in data["rows"])
    assert "Greetings" in [word["text"] for word in data["rows"][2]["words"]]
    assert set(data["rows"][0]["words"][0]) == {"token_id", "text", "slope", "share"}


def test_the_defaults_are_those_of_the_service():
    """Written out in the command, because the service imports torch."""
    from playground.cli.main import build_parser
    from playground.services import words as service

    options = build_parser("words").parse_args(["words", SET])
    assert (options.first, options.count) == (service.PROMPTS, service.COUNT)


def test_words_as_a_table_say_where_they_are_weak(command):
    run = command("words", SET, "--rows", "3", "--first", 1)
    assert run.status == 0, run.err
    assert "  3 +  'Greetings' 'Hail'" in run.out
    assert "to first order at 1 prompt." in run.out
    assert "noise" in run.out


def test_a_lens_stands_in_for_the_jacobian(command, tmp_path):
    lens = tmp_path / "lens.pt"
    torch.save({"J": {3: torch.eye(256).half()}, "n_prompts": 7, "source_layers": [3], "d_model": 256}, lens)
    run = command("words", SET, "--rows", "0", "--lens", lens, "--json")
    assert run.status == 0, run.err
    assert json.loads(run.out)["lens"] == "lens.pt"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"J": {3: torch.eye(6)}, "n_prompts": 7, "d_model": 6}, "expected a lens of width 256"),
        ({"J": {4: torch.eye(256)}, "n_prompts": 7, "d_model": 256}, "expected layer 3, the source of the set"),
        ({"model": 1}, "lens.pt: Expected `J` in a Jacobian lens, got keys 'model'"),
    ],
)
def test_a_lens_that_does_not_fit_is_refused_in_one_line(command, tmp_path, content, said):
    torch.save(content, tmp_path / "lens.pt")
    run = command("words", SET, "--lens", tmp_path / "lens.pt")
    assert run.status == 2
    assert said in run.err
    assert run.err.strip().count("\n") == 0
