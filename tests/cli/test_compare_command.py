"""python -m playground compare: the numbers are those of the geometry, and the page's command reads back."""

from __future__ import annotations

import json
import shlex

import pytest
import torch

from playground.cli.main import build_parser
from playground.library import vector_set
from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet
from playground.services.command import compare_command


@pytest.fixture
def files(tmp_path):
    """Two sets in five dimensions, one set of them turned by 30° against the other's plane."""
    def write(name, rows, width=5):
        origin = Origin(
            model="tiny", fingerprint="0", width=width, block_count=4, source=1, method="random", prompts=("x",),
            residual_norm=1.0, created=now(),
        )  # fmt: skip
        path = tmp_path / f"{name}.safetensors"
        vector_set.save(VectorSet(rows, origin, name=name), path)
        return path

    unit = torch.eye(5)
    turned = torch.stack([3**0.5 / 2 * unit[0] + 0.5 * unit[3], unit[1]])
    return write("a", 2 * unit[:3]), write("b", turned), write("c", torch.eye(4), 4)


def test_cosines_angles_and_spectra_of_the_rows_asked_for(command, files):
    a, b, _ = files
    run = command("compare", "--vectors", a, "--rows", "0,2", "--vectors", b, "--json")
    assert run.status == 0, run.err
    data = json.loads(run.out)
    cosines = torch.tensor(data["cosines"])
    expected = torch.eye(4)
    expected[0, 2] = expected[2, 0] = 3**0.5 / 2
    torch.testing.assert_close(cosines, expected, rtol=0, atol=1e-5)
    assert [(each["name"], each["rows"]) for each in data["sets"]] == [("a", [0, 2]), ("b", [0, 1])]
    assert data["sets"][0]["spectrum"] == pytest.approx([2, 2])
    assert data["angles"][0]["angles"] == pytest.approx([torch.pi / 6, torch.pi / 2], abs=1e-4)


def test_a_person_reads_the_closest_pairs_and_the_angles(command, files):
    a, b, _ = files
    run = command("compare", "--vectors", a, "--vectors", b)
    assert run.status == 0, run.err
    assert run.out.splitlines()[0] == "a 1 · b 1: cosine +1.000"
    assert "a and b: 2 principal angles from 0.0° to 30.0°" in run.out
    assert "orthogonal" in command("compare", "--vectors", a).out


def test_what_the_page_says_is_read_as_it_was_done():
    given = build_parser("compare").parse_args(shlex.split(compare_command([("a", (0, 1, 2, 5)), ("-b", (3,))]))[3:])
    assert given.vectors == [["a", "0-2,5"], ["-b", "3"]]


def test_bad_input_is_one_sentence(command, files):
    a, _, c = files
    for words, said in (
        (("--vectors", a, "--vectors", c), "one width"),
        (("--vectors", a, "--rows", "3"), "0 to 2"),
        (("--rows", "3"), "--vectors"),
        ((), "--vectors"),
    ):
        run = command("compare", *words, "--json")
        assert (run.status, run.out, len(run.err.splitlines())) == (2, "", 1), run
        assert said in run.err
