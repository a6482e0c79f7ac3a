"""Every event of the page, over raw HTTP, with fields out of range, of a wrong type, and too long."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `import endpoints`

import endpoints

from playground.analyses.common.request import MeasuredVector
from playground.analyses.next_token.run import ShiftsRequest
from playground.analyses.replies.run import RepliesRequest
from playground.cli.main import build_parser
from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.recipe import Component, Recipe
from playground.limits import PUBLIC, tightened
from playground.methods.base.request import find_request
from playground.model.generation.generate import Sampling
from playground.services.generate import GenerateRequest
from playground.services.scan.request import ScanRequest


@pytest.fixture(scope="module")
def page():
    with tightened(PUBLIC), endpoints.serving() as page:
        yield page


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is watched on Linux")
def test_no_value_of_any_field_costs_memory_time_or_a_traceback(page):
    """A sample; `python -m tests.trust.endpoints` sends all."""
    before = endpoints.generated(page)
    assert len(before) == 3
    memory = endpoints.begin_peak()
    count, wrong = endpoints.run(page, endpoints.sample(list(endpoints.attacks(page))), patience=0.3)
    assert wrong == []
    assert count > 300
    assert endpoints.peak() - memory < endpoints.MOST_MEMORY
    assert endpoints.generated(page) == before


def test_a_billion_restarts_are_refused_at_once_by_their_limit(page):
    event = page.named("discover-compute")
    changes = {"discover-method": "MELBO", "discover-melbo-restarts": 10**9}
    memory = endpoints.begin_peak()
    answer = page.send(event, page.values(event, changes))
    said = " ".join(answer.messages) + answer.text
    assert f"from 1 to {PUBLIC.restarts}, got 1000000000" in said
    assert answer.seconds < 2
    assert endpoints.peak() - memory < 100


@pytest.mark.parametrize("rows", ["all,", "0-11,", "mean:0-3,", "0 "])
def test_a_long_list_of_rows_is_refused_before_it_is_read(page, rows):
    for element, button in (("measure-rows", "measure-measure"), ("scan-rows", "scan-run")):
        event = page.named(button)
        answer = page.send(event, page.values(event, {element: rows * 40_000}))
        assert f"a list of vectors of at most {PUBLIC.list_characters} characters" in answer.text
        assert answer.seconds < 2


@pytest.mark.parametrize(
    ("words", "said"),
    [(2_000_000, "Expected at most 2 MB in a request"), (100_000, f"at most {PUBLIC.all_characters}")],
)
def test_a_prompt_of_ten_megabytes_is_refused_before_it_is_tokenised(page, words, said):
    event = page.named("steer-generate")
    memory = endpoints.begin_peak()
    answer = page.send(event, page.values(event, {"steer-prompt": "kite " * words}))
    assert said in " ".join(answer.messages)
    assert answer.seconds < 5
    assert endpoints.peak() - memory < 200


RECIPE = Recipe((Component("a", row=0, amount=1.0),))
CHOICES = PromptSet("c", "", "", "choices", (ChoiceItem("Is it?", "Yes", "No"),))
FIND = ("--prompt", "Hi", "--source", "0", "--target", "2", "--out", "x")
MEASURE = ("--vectors", "x", "--scales=1")


def find(method: str, **changes):
    return find_request(method=method, prompts=("Hi",), source=0, target=2, **changes)


def sampled(**changes):
    return GenerateRequest(prompts=("Hi",), sampling=Sampling(**{"temperature": 1.0, **changes}))


def replies(**changes):
    return RepliesRequest(prompts=CHOICES, vectors=(MeasuredVector("a", row=0),), scales=(1.0,), **changes)


FIELDS = {
    "discover-vectors": (lambda n: find("power", vectors=n), ("find", "power", *FIND, "--vectors")),
    "discover-tokens": (lambda n: find("power", target_tokens=n), ("find", "power", *FIND, "--tokens")),
    "discover-seed": (lambda n: find("power", seed=n), ("find", "power", *FIND, "--seed")),
    "discover-power-steps": (lambda n: find("power", steps=n), ("find", "power", *FIND, "--steps")),
    "discover-power-block": (lambda n: find("power", block=n), ("find", "power", *FIND, "--block")),
    "discover-melbo-steps": (lambda n: find("melbo", steps=n), ("find", "melbo", *FIND, "--steps")),
    "discover-melbo-restarts": (lambda n: find("melbo", restarts=n), ("find", "melbo", *FIND, "--restarts")),
    "steer-tokens": (lambda n: sampled(max_new_tokens=n), ("generate", "--prompt", "Hi", "--max-new-tokens")),
    "steer-samples": (
        lambda n: GenerateRequest(prompts=("Hi",), samples=n), ("generate", "--prompt", "Hi", "--samples")
    ),
    "steer-seed": (lambda n: sampled(seed=n), ("generate", "--prompt", "Hi", "--seed")),
    "scan-samples": (
        lambda n: ScanRequest(source="a", prompts=("Hi",), samples=n),
        ("scan", "--vectors", "x", "--prompt", "Hi", "--samples"),
    ),
    "measure-controls": (
        lambda n: replies(controls=n), ("measure", "--replies", "organism-oversight", *MEASURE, "--controls")
    ),
    "measure-samples": (
        lambda n: replies(samples=n), ("measure", "--replies", "organism-oversight", *MEASURE, "--samples")
    ),
    "measure-followed": (
        lambda n: ShiftsRequest(prompts=CHOICES, recipe=RECIPE, tokens=n),
        ("measure", "--next-token", "neutral", "--steer", "x#0@1", "--scales=1", "--tokens"),
    ),
}  # fmt: skip
"""By the element of the page: the request of a number, and the command's words before it."""
BUTTONS = {"discover": "discover-compute", "steer": "steer-generate", "scan": "scan-run", "measure": "measure-measure"}


@pytest.mark.parametrize("number", [10**9 * 10**10, -1])
@pytest.mark.parametrize("element", FIELDS)
def test_page_command_line_and_api_refuse_a_number_in_the_same_sentence(page, element, number):
    request, words = FIELDS[element]
    with pytest.raises(InputError) as refused:
        request(number)
    with pytest.raises(InputError) as refused_command:
        build_parser().parse_args([*words[:-1], f"{words[-1]}={number}"])
    assert str(refused_command.value) == str(refused.value)
    others = dict(other for begin, other in endpoints.CONTEXT.items() if element.startswith(begin))
    event = page.named(BUTTONS[element.partition("-")[0]])
    typed = {page.element(part["id"]) for part in page.config["components"] if part["type"] == "textbox"}
    value = str(number) if element in typed else number
    answer = page.send(event, page.values(event, {**others, element: value}))
    assert str(refused.value) in answer.text.replace("&#x27;", "'")
    assert answer.seconds < endpoints.BOUND
