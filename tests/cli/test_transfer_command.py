"""python -m playground transfer: the matrix as text, JSON and a table; bad input in one line."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

SET = "organism-refusals-power-3-9"
SMALL = ("--vectors", SET, "--rows", "0", "--items", 8, "--controls", 2, "--scales=-1,-0.5,0.5,1", "--unit", "f")


def test_a_matrix_with_flags_replies_and_a_file(command, tmp_path):
    out = tmp_path / "transfer.csv"
    run = command(
        "transfer", "--choices", "organism-comply-choices", "--against", "sycophancy-choices", *SMALL,
        "--replies", 2, "--max-new-tokens", 8, "--out", out,
    )  # fmt: skip
    assert run.status == 0, run.err
    assert "2 sycophancy-choices" in run.out
    assert "the behaviour is not wanted" in run.out
    assert "* (0%→100%)" in run.out
    with out.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["vector"], line["choices"], line["polarity"]) for line in lines] == [
        (f"{SET}#0", "organism-comply-choices", "1"), (f"{SET}#0", "sycophancy-choices", "-1"),
    ]


def test_as_json(command):
    sets = ("--choices", "organism-comply-choices", "--choices", "survival-choices")
    run = command("transfer", *sets, *SMALL, "--replies", 0, "--home", "organism-comply-choices", "--json")
    assert run.status == 0, run.err
    data = json.loads(run.out)
    (vector,) = data["vectors"]
    assert vector["home"] == "organism-comply-choices"
    assert vector["cells"][0]["holds"] is True
    assert vector["cells"][0]["replies"] is None


def test_the_defaults_are_those_of_the_service():
    """Written out in the command, because the service imports torch."""
    from playground.cli.main import build_parser
    from playground.services import transfer as service

    words = ["transfer", "--choices", "a", "--choices", "b", "--vectors", SET]
    options = build_parser("transfer").parse_args(words)
    usual = (options.items, options.replies, options.max_new_tokens)
    assert usual == (service.ITEMS, service.REPLIES, service.TOKENS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "2 to 32 choice sets"),
        (("--against", "organism-comply-choices"), "one of them twice"),
        (("--against", "survival-choices", "--home", "x"), "a home out of"),
        (("--against", "survival-choices", "--out", "x.html"), "ends in .json or .csv"),
        (("--against", "organism-refusals"), "kind choices"),
    ],
)
def test_bad_input_is_one_line(command, words, said):
    run = command("transfer", "--choices", "organism-comply-choices", *words, *SMALL)
    assert run.status == 2
    assert said in run.err
    assert run.err.count("\n") == 1
    assert run.out == ""


def test_the_command_of_a_request_builds_it_again():
    from playground.analyses.common.request import MeasuredVector
    from playground.cli.main import build_parser
    from playground.cli.transfer import _sets
    from playground.library import prompts
    from playground.model.load import Recorded
    from playground.services.command import transfer_command
    from playground.services.transfer import TransferRequest, TransferSet

    request = TransferRequest(
        sets=(TransferSet(prompts.read("organism-comply-choices")), TransferSet(prompts.read("survival-choices"), -1)),
        vectors=(MeasuredVector(SET, 0), MeasuredVector(SET, mean=(0, 3))), scales=(-0.5, 0.5), unit="r", controls=2,
        items=8, home="survival-choices", replies=0, tokens=9, seed=3,
    )  # fmt: skip
    words = shlex.split(transfer_command(request, Recorded("organism", "float32")))
    options = build_parser("transfer").parse_args(words[words.index("transfer") :])
    assert _sets(options) == request.sets
    assert options.vectors == [[SET, "0,mean:0-3"]]
    assert (options.scales, options.unit, options.controls) == ((-0.5, 0.5), "r", 2)
    assert (options.items, options.home, options.replies, options.max_new_tokens, options.seed) == (
        8, "survival-choices", 0, 9, 3,
    )  # fmt: skip
