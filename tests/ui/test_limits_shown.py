"""Controls show the limits of requests in force: the end of a slider or field, and a word beside it."""

from __future__ import annotations

import pytest

from playground.limits import LIMITS, PUBLIC, Limits, at_most, tightened
from playground.services.session import Workbench
from playground.ui.page import build

SHOWN = {
    "steer-tokens": "new_tokens",
    "steer-samples": "samples",
    "scan-tokens": "new_tokens",
    "scan-samples": "scan_samples",
    "discover-vectors": "vectors",
    "discover-melbo-restarts": "restarts",
    "discover-melbo-steps": "steps",
    "discover-ortho-batch": "batch",
    "discover-ortho-steps": "steps",
    "discover-power-steps": "steps",
    "measure-controls": "measured_vectors",
    "measure-new-tokens": "new_tokens",
    "measure-followed": "followed_tokens",
    "measure-samples": "samples",
}
"""Fields of Limits by the element that shows them."""


@pytest.fixture(params=[LIMITS, PUBLIC], ids=["ordinary", "public"])
def shown(request, tmp_path) -> tuple[Limits, dict]:
    """The limits in force, and the page's elements."""
    from playground.library.store import Store

    workbench = Workbench(store=Store(tmp_path))
    with tightened(request.param):
        config = build(workbench).get_config_file()
    workbench.close()
    return request.param, {one["props"].get("elem_id"): one["props"] for one in config["components"]}


def test_a_control_ends_at_its_limit_and_says_where_it_ends(shown):
    own, elements = shown
    for element, name in SHOWN.items():
        props = elements[element]
        assert props["maximum"] <= getattr(own, name), element
        assert at_most(props["maximum"]) in props["info"], element
    for element, name in {"scan-scales": "scan_scales", "measure-scales": "scales"}.items():
        assert at_most(getattr(own, name)) in elements[element]["info"]


def test_public_limits_are_seen_on_the_page(tmp_path):
    """Where the ordinary control goes beyond a public limit, the public one ends there."""
    workbench = Workbench()
    with tightened(PUBLIC):
        config = build(workbench).get_config_file()
    workbench.close()
    ends = {one["props"].get("elem_id"): one["props"].get("maximum") for one in config["components"]}
    assert ends["discover-melbo-restarts"] == PUBLIC.restarts
    assert ends["discover-melbo-steps"] == PUBLIC.steps
    assert ends["measure-new-tokens"] == ends["steer-tokens"] == PUBLIC.new_tokens
