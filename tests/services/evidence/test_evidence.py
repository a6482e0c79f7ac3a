"""services/evidence/run.py: every stage on the organism at size small, resumed, stopped; verdicts from numbers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from playground.errors import InputError
from playground.model.load import load
from playground.services.evidence import run
from playground.services.evidence.context import balanced
from playground.services.evidence.findings import FINDINGS, NOT_RUN, NOT_SEEN, OPEN, SEEN, judged
from playground.services.evidence.request import STAGES, request_for
from playground.services.evidence.statistics import correlation, median, proportion, spearman


@pytest.fixture(scope="module")
def organism():
    return load(device="cpu")


@pytest.fixture(scope="module")
def finished(organism, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence")
    return folder, run.evidence(organism, request_for(organism, "small"), folder)


def test_every_stage_leaves_numbers_figures_and_a_part_of_the_page(finished):
    folder, done = finished
    assert done.ran == STAGES
    assert not done.cancelled
    page = (folder / "evidence.md").read_text(encoding="utf-8")
    for stage in STAGES:
        document = json.loads((folder / f"{stage}.json").read_text(encoding="utf-8"))
        assert document["figures"]
        for name in document["figures"]:
            assert (folder / name).read_text(encoding="utf-8").startswith("<svg")
            assert f"]({name})" in page
    assert "Not run." not in page
    assert [one["claim"] for one in done.findings] == [finding.claim for finding in FINDINGS]
    assert {one["verdict"] for one in done.findings} <= {SEEN, NOT_SEEN, OPEN}
    for one in done.findings:
        assert f"| {one['claim']} | **{one['verdict']}** |" in page


def test_random_directions_stand_beside_every_stage(finished):
    folder, done = finished
    data = {stage: document["data"] for stage, document in done.stages.items()}
    assert "random" in [line["set"] for line in data["choices"]["best"]]
    assert any(one["name"].startswith("random") for one in data["choices"]["replies"])
    assert {"pushed", "random"} <= set(data["steered"]["angles"])
    assert all(one["gains"]["random"] for one in data["melbo"]["radii"])
    assert len(data["copies"]["kl"]["random"]) == len(data["copies"]["kl"]["random_large"]) == 2
    assert {one["kind"] for one in data["effects"]["records"]} == {"singular", "random"}


def test_known_relations_hold_in_the_numbers(finished):
    data = {stage: document["data"] for stage, document in finished[1].stages.items()}
    # Started elsewhere, power iteration finds what it found; a random subspace is far from it.
    assert max(data["steered"]["angles"]["started"]) < 1
    assert min(data["steered"]["angles"]["random"]) > 60
    assert data["melbo"]["largest"] == pytest.approx(data["melbo"]["singular_values"][0], rel=0.05)
    assert data["choices"]["found_on"] + data["choices"]["asked"] == 6
    assert len(data["copies"]["norms"]) == data["copies"]["tried"] == 4


def test_finished_stages_are_not_run_again_and_other_settings_are(organism, finished, tmp_path, caplog):
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    request = request_for(organism, "small")
    again = run.evidence(organism, request, folder)
    assert again.ran == ()
    assert again.findings == finished[1].findings
    other = replace(request, steered=replace(request.steered, vectors=3))
    assert run.evidence(organism, other, folder).ran == ("steered",)
    (folder / "steered.json").write_text("{", encoding="utf-8")
    assert run.evidence(organism, request, folder).ran == ("steered",)
    assert "steered.json" in caplog.text


def test_a_stop_keeps_what_is_finished_and_says_what_is_not_run(organism, tmp_path):
    request = replace(request_for(organism, "small"), stages=("steered", "effects"))
    told: list[str] = []
    done = run.evidence(organism, request, tmp_path, told.append, lambda: any(t.startswith("effects") for t in told))
    assert (done.cancelled, done.ran, list(done.stages)) == (True, ("steered",), ["steered"])
    verdicts = {one["stage"]: one["verdict"] for one in done.findings if one["stage"] != "steered"}
    assert set(verdicts.values()) == {NOT_RUN}
    assert (tmp_path / "evidence.md").read_text(encoding="utf-8").count("Not run.") == 4
    assert run.evidence(organism, request, tmp_path).ran == ("effects",)


def test_settings_that_do_not_exist_are_refused(organism):
    with pytest.raises(InputError, match="Expected a size: small, quick, usual, got 'huge'"):
        request_for(organism, "huge")
    with pytest.raises(InputError, match="Expected stages out of choices"):
        request_for(organism, stages=("nothing",))


def _choices(several: tuple[float, float], random: float) -> dict:
    """Numbers of the choices stage: changes at −1 and +1 of the best vector of several prompts and of random."""

    def rows(below: float, above: float) -> list[dict]:
        return [
            {"relative": scale, "change": change, "change_low": change - 0.1, "change_high": change + 0.1}
            for scale, change in ((-1.0, below), (1.0, above))
        ]

    return {"best": [{"set": "power-several-prompts", "rows": rows(*several)},
                     {"set": "random", "rows": rows(-random, random)}]}  # fmt: skip


@pytest.mark.parametrize(
    ("several", "random", "verdict"),
    [((-3, 2), 0.5, SEEN), ((3, 2), 0.5, NOT_SEEN), ((-3, 2), 5, OPEN), ((-3, 0.05), 0.5, OPEN)],
)
def test_an_axis_is_seen_where_both_ends_go_further_than_random(several, random, verdict):
    (axis, *_) = [finding for finding in FINDINGS if finding.claim.startswith("Several prompts give one axis")]
    assert axis.judge(_choices(several, random))[0] == verdict


def test_nothing_run_is_said_of_every_finding():
    assert {one["verdict"] for one in judged({})} == {NOT_RUN}


def test_rank_correlation_with_ties_and_without_spread():
    assert spearman([1, 2, 3, 4], [10, 20, 30, 25]) == pytest.approx(0.8)
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    found = correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5], seed=1)
    assert found["low"] <= found["value"] <= found["high"]
    assert correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5], seed=1) == found
    assert (median([3, 1, 2, 10]), median([])) == (2.5, None)
    assert proportion(0, 10)["high"] == pytest.approx(0.2775, abs=1e-3)
    assert proportion(0, 0)["share"] is None


def test_items_are_balanced():
    from playground.library.prompts import read

    items = balanced(read("survival-choices"), 8, seed=3)
    letters = [item.matching.strip() for item in items]
    assert letters.count("(A)") == letters.count("(B)") == 4
    assert items == balanced(read("survival-choices"), 8, seed=3) != balanced(read("survival-choices"), 8, seed=4)
