"""core/adam.py: PyTorch's own steps, without its optimiser."""

from __future__ import annotations

import pytest
import torch

from playground.core.adam import Adam


@pytest.mark.parametrize("amsgrad", [False, True])
def test_steps_are_those_of_pytorch_to_the_last_bit(amsgrad):
    generator = torch.Generator().manual_seed(0)
    theirs = torch.randn(2, 3, 4, generator=generator)
    optimiser = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.98), amsgrad=amsgrad)
    ours, adam = theirs.clone(), Adam(0.1, (0.9, 0.98), amsgrad=amsgrad)
    for step in range(1, 20):
        theirs.grad = torch.randn(2, 3, 4, generator=generator) / step  # falling, so that amsgrad matters
        ours = ours + adam.step(theirs.grad)
        optimiser.step()
        assert torch.equal(ours, theirs)


def test_a_selection_goes_on_as_if_it_had_been_alone():
    gradients = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(1))
    whole, alone = Adam(0.1, amsgrad=True), Adam(0.1, amsgrad=True)
    for gradient in gradients[:3]:
        whole.step(gradient)
        alone.step(gradient[1:3])
    whole.select(lambda moments: moments[1:3])
    for gradient in gradients[3:]:
        assert torch.equal(whole.step(gradient[1:3]), alone.step(gradient[1:3]))
