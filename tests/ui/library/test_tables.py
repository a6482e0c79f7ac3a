"""ui/tables: what the Library says of a set."""

from __future__ import annotations

import torch

from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet
from playground.ui.library import tables


def details(**changes: object) -> str:
    values = {"width": 4, "block_count": 8, "source": 3, "method": "ortho", "residual_norm": 2.5, "created": now()}
    return tables.details(VectorSet(torch.eye(4), Origin(**{"model": "m", **values, **changes})), None)


def test_details_say_whether_the_reference_norm_is_a_median_or_the_mean_of_version_1() -> None:
    assert "2.5, the median over all tokens" in details()
    assert "2.5, the mean over all tokens (format version 1)" in details(reference="mean")


def test_details_say_what_became_of_attention_sinks_where_all_positions_were_read() -> None:
    assert "left out at 7 positions" in details(parameters={"sinks": "left out", "sinks_left_out": 7})
    assert "read, as published" in details(parameters={"sinks": "read", "sinks_left_out": 0})
    assert "attention sinks" not in details()
    assert "sinks_left_out" not in details(parameters={"sinks": "left out", "sinks_left_out": 7})
