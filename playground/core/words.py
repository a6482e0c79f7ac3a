"""Words of a direction: the tokens whose probability it moves most, of those that are more of it than of chance.

Let c be the change of the logits along a direction, to first order. That of log p is c − Σ p·c, and that of √p is half
of √p·(c − Σ p·c). The squares of these, summed over tokens, are vᵀFv with F the Fisher information of the next token,
and KL ≈ ½·scale²·vᵀFv: a token's *share* is its part of what a small push adds to KL. Ranked by logits alone the first
are tokens that the model never says, whose logits are free to move.
"""

from __future__ import annotations

import torch
from torch import Tensor


def probability_changes(logits: Tensor, changes: Tensor) -> Tensor:
    """√p·(c − Σ p·c), (k, V): twice the change of √p when `logits` (V,) or (k, V) change by `changes` (k, V) for each
    unit of norm. Tokens of probability 0 have no change.
    """
    p = logits.softmax(dim=-1)
    changes = torch.where(p > 0, changes, changes.new_zeros(()))
    return p.sqrt() * (changes - (p * changes).sum(dim=-1, keepdim=True))


def shares(changes: Tensor) -> Tensor:
    """The part of every token in the squares of `changes` (k, V), by rows; 0 in a row of zeros."""
    squares = changes.square()
    return squares / squares.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(squares.dtype).tiny)


def leading_tokens(changes: Tensor, chance: Tensor, count: int) -> list[tuple[list[int], list[int]]]:
    """Per row of `changes` (k, V) the tokens that it raises most and those that its negative does, the largest first,
    at most `count` each: those whose share is above `chance` (V,), the mean share of random directions.
    """
    kept = torch.where(shares(changes) > chance, changes, changes.new_zeros(()))
    sides = []
    for signed in (kept, -kept):
        values, tokens = signed.topk(min(count, signed.shape[1]), dim=1)
        sides.append([row[value > 0].tolist() for row, value in zip(tokens, values, strict=True)])
    return list(zip(*sides, strict=True))
