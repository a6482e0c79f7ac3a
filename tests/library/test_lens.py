"""library/lens.py: lens files as torch.save writes them; every bad one is refused with one sentence."""

from __future__ import annotations

import pickle

import pytest
import torch

from playground.errors import FileError
from playground.library.lens import read_lens

WIDTH = 6


def content(**changes):
    matrices = {layer: (layer + 1) * torch.eye(WIDTH, dtype=torch.float16) for layer in (0, 2)}
    return {"J": matrices, "n_prompts": 7, "source_layers": [0, 2], "d_model": WIDTH, **changes}


def written(tmp_path, value, name="lens.pt"):
    path = tmp_path / name
    torch.save(value, path)
    return path


def test_a_lens_gives_the_jacobian_of_a_layer_in_float32(tmp_path):
    lens = read_lens(written(tmp_path, content()))
    assert (lens.prompts, lens.width, sorted(lens.jacobians), lens.name) == (7, WIDTH, [0, 2], "lens.pt")
    found = lens.at(2, WIDTH, "a model")
    assert found.dtype == torch.float32
    assert torch.equal(found, 3 * torch.eye(WIDTH))


class Harmful:
    def __reduce__(self):
        return (print, ("code has run",))


NARROW = {0: torch.ones(WIDTH, WIDTH - 1)}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2], "Expected a dictionary with `J`, got a list"),
        ({"jacobian_sum": {}, "n_done": 3}, "Expected `J` in a Jacobian lens, got keys 'jacobian_sum', 'n_done'"),
        ({"J": {0: torch.eye(WIDTH)}, "d_model": WIDTH}, "Expected `n_prompts`"),
        ({"J": {0: torch.eye(WIDTH)}, "n_prompts": 7}, "Expected `d_model`"),
        (content(d_model="wide"), "Expected `d_model` to be a whole number from 1 to 65536, got 'wide'"),
        (content(n_prompts=0), "Expected `n_prompts` to be a whole number"),
        (content(n_prompts=True), "got True"),
        (content(J={}), "Expected `J` to hold a matrix a layer"),
        (content(J=torch.eye(WIDTH)), "Expected `J` to hold a matrix a layer, got 'Tensor'"),
        (content(J={"0": torch.eye(WIDTH)}), "Expected the layers of `J` to be numbers from 0 on, got '0'"),
        (content(J={-1: torch.eye(WIDTH)}), "from 0 on, got -1"),
        (content(J=NARROW), r"Expected 6×6 floating-point numbers, .* got '\(6, 5\)'"),
        (content(J={0: torch.eye(WIDTH, dtype=torch.int64)}), "Expected 6×6 floating-point numbers"),
        (content(J={0: [1.0]}), "got 'list'"),
        (content(J={0: torch.zeros(1).expand(60_000, 60_000)}, d_model=60_000), "Expected 60000×60000"),
        (content(J={0: torch.eye(WIDTH).to_sparse()}), "Expected 6×6 floating-point numbers|does not read"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_lens_is_refused_in_one_sentence(tmp_path, value, said):
    with pytest.raises(FileError, match=said) as caught:
        read_lens(written(tmp_path, value))
    assert "\n" not in str(caught.value)
    assert "lens.pt" in str(caught.value)


def test_a_file_that_carries_code_is_refused_and_the_code_does_not_run(tmp_path, capsys):
    with pytest.raises(FileError, match="of tensors and plain values, got lens.pt, which PyTorch does not read so"):
        read_lens(written(tmp_path, content(J=Harmful())))
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(FileError, match="Expected a Jacobian lens"):
        read_lens(tmp_path / "plain.pt")
    assert "code has run" not in capsys.readouterr().out


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(FileError, match="Expected a Jacobian lens at .*nowhere.pt"):
        read_lens(tmp_path / "nowhere.pt")
    with pytest.raises(FileError, match="Expected a Jacobian lens at"):
        read_lens(tmp_path)
    whole = written(tmp_path, content()).read_bytes()
    for data in (b"", b"no lens", whole[: len(whole) // 2]):
        (tmp_path / "cut.pt").write_bytes(data)
        with pytest.raises(FileError, match="Expected a Jacobian lens"):
            read_lens(tmp_path / "cut.pt")


def test_another_width_a_missing_layer_and_numbers_that_are_not_finite_are_refused(tmp_path):
    lens = read_lens(written(tmp_path, content()))
    with pytest.raises(FileError, match="Expected a lens of width 8, the width of m, got lens.pt of width 6"):
        lens.at(0, 8, "m")
    with pytest.raises(FileError, match="Expected layer 1, the source of the set, in lens.pt, got layers 0, 2"):
        lens.at(1, WIDTH, "m")
    matrix = torch.eye(WIDTH)
    matrix[3, 3] = torch.inf
    with pytest.raises(FileError, match="Expected finite numbers at layer 0 of lens.pt"):
        read_lens(written(tmp_path, content(J={0: matrix}))).at(0, WIDTH, "m")
