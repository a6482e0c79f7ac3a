"""Steered forward passes of many rows that share one prompt: one row until the first push, all of them from there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from torch import Tensor

from playground.core.edit import Edit
from playground.core.out_of_memory import is_out_of_memory
from playground.core.positions import Positions
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.steering import steer
from playground.once import log_once

_LOG = logging.getLogger(__name__)
_REFUSAL = "%s takes no batch that grows inside of it (%s); rows run apart from the start"


def run_shared(
    loaded: LoadedModel,
    prompt: Encoded,
    rows: int,
    pushes: Sequence[Edit],
    run: Callable[[Encoded], Tensor],
    positions: Positions = "all",
    prompt_length: int | None = None,
) -> Tensor:
    """The output of `run`, (rows, …), for `prompt` (a batch of one) with `pushes` of batched vectors (rows, d).

    Masks of one row go with a batch of any size in most families. Those that fold heads into the batch (ALiBi in Bloom
    and MPT) refuse, and take the rows one beside the other from the start; that is logged once a family.
    """
    if rows > 1 and pushes:
        try:
            with steer(loaded.model, pushes, positions, prompt_length, expand=True):
                return run(prompt)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            log_once(_LOG, logging.INFO, _REFUSAL, type(loaded.model).__name__, str(error).splitlines()[0])
    with steer(loaded.model, pushes, positions, prompt_length):
        return run(prompt.take([0] * rows))
