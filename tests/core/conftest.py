"""A map small enough to know everything about: what methods that optimise a direction are tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from playground.core.displacement import Piece


class ToyMap:
    """θ ↦ functions[i](θ), each (r, d) → (r, K, d), one a prompt; prompts run `together` at a time, padded to one K.

    Padded positions come first and are zeros. `runs` lists with how many rows of θ pieces were run.
    """

    device = torch.device("cpu")

    def __init__(
        self, width: int, functions: Sequence[Callable[[Tensor], Tensor]], together: int = 2, dtype=torch.float32
    ) -> None:
        self.width, self.functions, self.together, self.dtype = width, tuple(functions), together, dtype
        self.runs: list[int] = []
        self.most_copies: int | None = None

    @property
    def prompts(self) -> int:
        return len(self.functions)

    def pieces(self, copies: int) -> list[Piece]:
        numbers = torch.arange(self.prompts).split(self.together)
        return [self._piece(tuple(part.tolist()), copies) for part in numbers]

    def _piece(self, prompts: tuple[int, ...], copies: int) -> Piece:
        nothing = torch.zeros(1, self.width, dtype=self.dtype)
        lengths = [self.functions[prompt](nothing).shape[1] for prompt in prompts]
        longest = max(lengths)

        def states_at(theta: Tensor) -> Tensor:
            states = [self.functions[prompt](theta.to(self.dtype)) for prompt in prompts]
            pad = torch.nn.functional.pad
            return torch.stack([pad(state, (0, 0, longest - state.shape[1], 0)) for state in states], dim=1)

        def run(theta: Tensor) -> Tensor:
            assert len(theta) == copies
            self.runs.append(len(theta))
            return states_at(theta)

        mask = torch.arange(longest) >= longest - torch.tensor(lengths)[:, None]
        return Piece(prompts, run, mask, states_at(nothing)[0])


def tanh_network(width: int, positions: int, seed: int, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """θ ↦ tanh of a linear map with a decaying spectrum, plus a little of θ itself; (r, d) → (r, K, d)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (positions, width, width)
    inner = torch.randn(shape, generator=generator, dtype=torch.float64) / width**0.5
    inner = inner * (3.0 * torch.arange(1, width + 1, dtype=torch.float64) ** -0.7)
    outer = torch.randn(shape, generator=generator, dtype=torch.float64)
    bias = torch.randn(positions, width, generator=generator, dtype=torch.float64) / 2
    inner, outer, bias = (part.to(dtype) for part in (inner, outer, bias))

    def run(theta: Tensor) -> Tensor:
        hidden = torch.einsum("kij,rj->rki", inner, theta) + bias
        return torch.einsum("kij,rkj->rki", outer, hidden.tanh()) + 0.1 * theta[:, None]

    return run


@pytest.fixture
def toy() -> Callable[..., ToyMap]:
    """A ToyMap of tanh networks: toy(width, positions=(3, 2), seed=0, dtype=torch.float32, together=2)."""

    def build(width, positions=(3, 2), seed=0, dtype=torch.float32, together=2) -> ToyMap:
        functions = [tanh_network(width, k, 1000 * seed + i, dtype) for i, k in enumerate(positions)]
        return ToyMap(width, functions, together, dtype)

    return build


@pytest.fixture
def toy_of() -> type[ToyMap]:
    """ToyMap itself, for maps of given functions."""
    return ToyMap
