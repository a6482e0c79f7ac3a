"""Questions as a cut: a layout run up to block s once, and from there to what is read of the last block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.positions import Positions, window
from playground.model.cut.agreement import Refused, go_without, refusals
from playground.model.cut.cut import Cut, capture, run, run_prefix
from playground.model.cut.prefix import Prefix
from playground.model.load import LoadedModel
from playground.model.prompting import model_inputs
from playground.model.reading.question_trees import Layout
from playground.model.steering import put_out


@dataclass(frozen=True, eq=False)
class QuestionCut:
    """A layout (b, T) and its cut; that of a tree goes with any number of copies, that of rows with those it is of."""

    layout: Layout
    cut: Cut


@torch.no_grad()
def capture_questions(loaded: LoadedModel, layout: Layout, source: int, copies: int) -> QuestionCut:
    """Run the layout up to `source`."""
    mask = layout.mask
    if layout.is_tree:
        # As what is added to the attention's scores, which every implementation of attention takes.
        mask = torch.zeros(mask.shape, dtype=loaded.dtype).masked_fill(~mask, torch.finfo(loaded.dtype).min)[:, None]
    given = (layout.input_ids, mask, layout.position_ids)
    inputs = model_inputs(loaded, *(tensor.repeat(copies, *[1] * (tensor.ndim - 1)) for tensor in given))
    return QuestionCut(layout, capture(loaded, inputs, source, loaded.block_count - 1, copies, layout.prefix))


@torch.no_grad()
def run_before(
    loaded: LoadedModel, begun: QuestionCut, additions: Mapping[int, Tensor], copies: int, positions: Positions
) -> Prefix | None:
    """What `run_questions` needs of the tokens before the layout, for the same additions; None where there are none.

    It is the same for all layouts that are cut from one list of questions at one source.
    """
    # Its tokens come before the last one of every prompt.
    return run_prefix(loaded, begun.cut, additions if window(positions).first is None else {}, copies)[0]


@torch.no_grad()
def run_questions(
    loaded: LoadedModel,
    begun: QuestionCut,
    additions: Mapping[int, Tensor],
    copies: int,
    positions: Positions,
    prefix: Prefix | None,
) -> Tensor:
    """What the last block puts out at the layout's reads: (C, R, d), for C rows added at each layer of `additions`.

    `additions` are (C, d) in float32 or wider, at layers from the cut's source on. `prefix` is what `run_before` made
    of them.
    """
    layout = begun.layout
    where = window(positions)
    places = None if where.everywhere else where.holds(layout.numbers)
    states = run(loaded, begun.cut, additions, copies, places=places, last=layout.last, prefix=prefix)
    read: Tensor = states.unflatten(0, (copies, -1))[:, layout.rows.to(states.device), layout.places.to(states.device)]
    return read


@torch.no_grad()
def logits(loaded: LoadedModel, states: Tensor) -> Tensor:
    """(M, vocabulary): what the model's own final norm and head make of outputs of its last block, (M, d)."""
    return head(loaded, states)


def head(loaded: LoadedModel, states: Tensor) -> Tensor:
    """The same with its graph: differentiable in `states`."""
    try:
        return _put_through(loaded, states[None], rows=1)
    except Refused as refused:
        # The rest of the model is shaped as its input is: a token for each state.
        go_without("a final norm and head for any number of states", refused)
        return _put_through(loaded, states[:, None], rows=len(states))


def _put_through(loaded: LoadedModel, states: Tensor, rows: int) -> Tensor:
    """(M, vocabulary) of outputs of the last block (B, T, d), in the pass of so many rows of one token."""
    ids = torch.full((rows, 1), loaded.pad_id, device=loaded.device)
    with put_out(loaded.model, states), refusals(loaded.model):
        # GPT-2 and its kin lay out the positions as a batch.
        read: Tensor = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
    return read.flatten(0, -2)
