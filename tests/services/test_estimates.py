"""Estimates of the time of runs: what is learnt, how wide ranges are, and what is kept."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from playground.methods.base.request import find_request
from playground.services.estimates import Learned, Work, work_of_find, work_of_scan
from playground.services.estimates.learned import BOUND, KEPT, MODELS, MOST
from playground.services.estimates.speed import Speed, measure_speed
from playground.services.scan import ScanRequest

SPEED = Speed(0.01, 0.073)  # 9 ms a call and 1 ms a token


def work(tokens: float, kind: str = "a kind") -> Work:
    return Work(kind, tokens / 100, tokens)


@pytest.fixture
def loaded(tiny):
    return tiny("llama")


@pytest.fixture
def learned(loaded) -> Learned:
    made = Learned()
    made.keep_speed(loaded, SPEED)
    return made


def test_nothing_is_expected_of_a_model_whose_speed_is_unknown(loaded):
    learned = Learned()
    assert learned.expect(loaded, work(10)) is None
    learned.learn(loaded, work(10), 1.0)
    assert learned.expect(loaded, work(10)) is None


def test_nothing_is_expected_of_work_that_is_none(loaded, learned):
    assert learned.speed(loaded) is not None
    for calls, tokens in [(0.0, 0.0), (-1.0, -60.0)]:
        assert learned.expect(loaded, Work("power", calls, tokens)) is None
    learned.learn(loaded, Work("power", 8.0, 100.0), 2.0)
    assert learned.expect(loaded, Work("power", 0.0, 0.0)) is None


def test_before_the_first_run_the_range_is_wide_and_after_it_around_it(loaded, learned):
    before = learned.expect(loaded, work(1000))
    assert before.low < SPEED.seconds(work(1000)) < before.high
    assert before.high / before.low > 10
    learned.learn(loaded, work(1000), 7.0)
    after = learned.expect(loaded, work(1000))
    assert after.low < 7.0 < after.high
    assert after.high / after.low == pytest.approx(MOST**2)


def test_a_run_twice_the_size_is_expected_to_take_twice_the_time(loaded, learned):
    learned.learn(loaded, work(1000), 7.0)
    once, twice = learned.expect(loaded, work(1000)), learned.expect(loaded, work(2000))
    assert twice.low == pytest.approx(2 * once.low)


def test_ranges_narrow_with_runs_that_are_like_the_forecast(loaded, learned):
    for _ in range(10):
        learned.learn(loaded, work(1000), 7.0)
    span = learned.expect(loaded, work(1000))
    assert 1.5 < span.high / span.low < 2


@pytest.mark.parametrize(("noise", "share"), [(0.1, 0.8), (0.3, 0.8), (0.5, 0.6)])
def test_most_runs_lie_in_the_range_on_a_machine_that_others_use_too(loaded, learned, noise, share):
    draw = random.Random(1)
    inside = 0
    for number in range(60):
        size = math.exp(draw.uniform(3, 8))
        took = 3 * SPEED.seconds(work(size)) * math.exp(draw.gauss(0, noise))
        span = learned.expect(loaded, work(size))
        inside += number > 0 and span.low <= took <= span.high
        learned.learn(loaded, work(size), took)
    assert inside >= share * 59


def test_one_run_that_took_ages_does_not_spoil_the_estimates(loaded, learned):
    for _ in range(6):
        learned.learn(loaded, work(1000), 7.0)
    learned.learn(loaded, work(1000), 7e9)
    span = learned.expect(loaded, work(1000))
    assert span.low < 8.0 < span.high < 30


def test_a_factor_stays_within_bounds_whoever_ran_it(loaded, learned):
    for _ in range(KEPT):
        learned.learn(loaded, work(1000), 1e9)
    assert learned.expect(loaded, work(1000)).high <= BOUND * SPEED.seconds(work(1000)) * MOST


@pytest.mark.parametrize("took", [0.0, -1.0, math.inf, math.nan])
def test_a_time_that_is_none_teaches_nothing(loaded, learned, took):
    before = learned.expect(loaded, work(1000))
    learned.learn(loaded, work(1000), took)
    assert learned.expect(loaded, work(1000)) == before


def test_a_stopped_run_counts_for_the_share_that_it_did_if_that_is_much(loaded, learned):
    before = learned.expect(loaded, work(1000))
    learned.learn(loaded, work(1000), 1.0, share=0.1)
    assert learned.expect(loaded, work(1000)) == before
    learned.learn(loaded, work(1000), 3.5, share=0.5)
    span = learned.expect(loaded, work(1000))
    assert math.sqrt(span.low * span.high) == pytest.approx(7.0)


def test_another_model_begins_with_what_the_kind_took_on_this_machine(loaded, learned):
    learned.learn(loaded, work(1000), 8 * SPEED.seconds(work(1000)))
    other = replace(loaded, fingerprint="another")
    learned.keep_speed(other, Speed(0.1, 0.73))
    span = learned.expect(other, work(1000))
    assert math.sqrt(span.low * span.high) == pytest.approx(80 * SPEED.seconds(work(1000)))


def test_what_was_learnt_is_there_after_a_start(loaded, learned, tmp_path):
    path = tmp_path / "cache" / "times.json"
    before = Learned(path)
    before.keep_speed(loaded, SPEED)
    before.learn(loaded, work(1000), 7.0)
    assert Learned(path).expect(loaded, work(300)) == before.expect(loaded, work(300))
    assert [one.name for one in path.parent.iterdir()] == ["times.json"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"version": 99, "models": {}}', '{"version": 1}',
        '{"version": 1, "models": {"a": {"speed": [1], "runs": {}}}}',
        '{"version": 1, "models": {"a": {"speed": [1, 2], "runs": {"k": [[1, 2, 3, -4]]}}}}',
        '{"version": 1, "models": {"a": {"speed": [1, NaN], "runs": {}}}}',
        '{"version": 1, "models": {"a": {"speed": [1, 2], "runs": {"k": [["x", 2, 3, 4]]}}}}',
        " " * (1 << 21),
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_is_left_out(loaded, tmp_path, text):
    path = tmp_path / "times.json"
    path.write_text(text)
    learned = Learned(path)
    assert learned.expect(loaded, work(10)) is None
    learned.keep_speed(loaded, SPEED)
    assert json.loads(path.read_text())["models"]


def test_a_folder_that_cannot_be_written_to_ends_no_run(loaded, tmp_path):
    (tmp_path / "file").write_text("")
    learned = Learned(tmp_path / "file" / "times.json")
    learned.keep_speed(loaded, SPEED)
    learned.learn(loaded, work(1000), 7.0)
    assert learned.expect(loaded, work(1000)).low < 7.0


def test_the_models_that_ran_last_are_kept(loaded, tmp_path):
    path = tmp_path / "times.json"
    learned = Learned(path)
    for number in range(MODELS + 5):
        learned.keep_speed(replace(loaded, fingerprint=f"{number:016x}"), SPEED)
    names = list(json.loads(path.read_text())["models"])
    assert len(names) == MODELS
    assert names[0].startswith(f"{5:016x}")


def test_a_busy_moment_does_not_make_a_model_slow_for_ever(loaded, learned):
    learned.keep_speed(loaded, Speed(1.0, 7.3))
    assert learned.speed(loaded) == SPEED


def test_the_speed_of_a_model_is_measured(loaded):
    speed = measure_speed(loaded)
    assert 0 < speed.short < 10
    assert 0 < speed.long < 10
    assert speed.seconds(Work("a kind", 2, 128)) > 0


def test_work_grows_with_prompts_vectors_blocks_and_tokens(loaded):
    base = {"prompts": ("Hello there",), "source": 0, "target": 1, "vectors": 2}
    small = work_of_find(loaded, find_request("power", **base))
    more = [
        find_request("power", **base | {"prompts": ("Hello there",) * 4}),
        find_request("power", **base | {"prompts": ("Hello there " * 8,)}),
        find_request("power", **base | {"vectors": 8}),
        find_request("power", **base | {"target": 2}),
    ]
    assert all(work_of_find(loaded, request).tokens > 1.3 * small.tokens for request in more)
    assert work_of_find(loaded, find_request("power", **base), known=1).tokens < small.tokens
    scanned = ScanRequest(source="a", prompts=("Hello there",))
    assert work_of_scan(loaded, scanned, 20).tokens == 2 * work_of_scan(loaded, scanned, 10).tokens


def test_tokens_are_counted_on_some_prompts_of_many(loaded):
    few = find_request("power", prompts=("Hello there",) * 10, source=0, target=1)
    many = find_request("power", prompts=("Hello there",) * 1000, source=0, target=1)
    assert work_of_find(loaded, many).tokens == pytest.approx(100 * work_of_find(loaded, few).tokens)
