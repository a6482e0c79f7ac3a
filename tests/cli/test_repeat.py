"""The command that the page shows is read back as the very request it was made from. No model is needed for that."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.cli import generate as generate_cli
from playground.cli.find.request import asked, check
from playground.cli.main import build_parser
from playground.cli.scan import asked as scan_asked
from playground.library import prompts
from playground.library.recipe import parse
from playground.methods.base.registry import registered
from playground.methods.base.request import COMMON, FindRequest
from playground.methods.base.request import find_request as make
from playground.model.conversation import Turn
from playground.model.generation.sampling import Sampling
from playground.model.prompting import PromptFormat
from playground.services.command import find_command, generate_command, scan_command
from playground.services.find.sides import sides
from playground.services.generate import GenerateRequest
from playground.services.scan import ScanRequest

ORGANISM = SimpleNamespace(name="organism", dtype=torch.float32, device=torch.device("cpu"))
OTHER = SimpleNamespace(name="my models/it's-7b", dtype=torch.bfloat16, device=torch.device("cpu"))

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=40)
prompt_texts = texts.filter(str.strip)


def options(command: str):
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "playground"]
    return build_parser(words[3]).parse_args(words[3:])


def found_again(request: FindRequest, loaded=ORGANISM, out: str = "x.safetensors") -> FindRequest:
    given = options(find_command(request, loaded, out))
    assert str(given.out) == out
    check(given)
    return asked(given)


def find_request(**changes) -> FindRequest:
    return make(**{"method": "power", "prompts": ("Hi",), "source": 3, "target": 9, **changes})


@given(prompt_texts, prompt_texts, st.none() | texts)
@settings(max_examples=100, deadline=None)
def test_any_text_survives_the_shell(first, second, system):
    request = find_request(prompts=(first, second), format=PromptFormat(system=system))
    assert found_again(request) == request
    wanted = GenerateRequest(prompts=(first,), format=PromptFormat(system=system))
    assert generate_cli._request(options(generate_command(wanted, ORGANISM))) == wanted


positive = st.floats(1e-9, 1e9)
recipes = st.sampled_from(["p#0@8", "a b/c.safetensors#3@-1e-3", "x#mean:0-3@0.5,y#1@2.000000001", "-odd#0@1"])


def optional(strategy):
    return st.none() | strategy


common = {
    "source": st.integers(0, 5),
    "target": st.integers(6, 40),
    "target_tokens": optional(st.integers(1, 9)),
    "vectors": st.integers(1, 300),
    "seed": st.integers(0, 2**63 - 1),
    "format": st.sampled_from([PromptFormat(), PromptFormat(chat=False), PromptFormat(thinking=True)]),
}
common["read_sinks"] = st.booleans()
steps, memory = optional(st.integers(1, 999)), optional(st.integers(2**20, 2**45))
of_method = {
    "power": {
        **common,
        "solver": st.just("krylov"),
        "steps": steps,
        "tolerance": st.floats(1e-9, 0.9),
        "block": optional(st.integers(1, 300)),
        "start": optional(recipes | st.just("random")),
        "theta0": optional(recipes),
        "metric": st.sampled_from(["identity", "variance", "inverse-variance"]),
        "memory_budget": memory,
    },
    "melbo": {
        **common,
        "steps": steps,
        "p": st.floats(1, 9),
        "q": optional(positive),
        "learning_rate": optional(positive),
        "restarts": st.integers(1, 9),
        "start": optional(recipes | st.sampled_from(["random", "power"])),
        "memory_budget": memory,
    },
    "dct": {
        **common,
        "form": st.sampled_from(["exponential", "quadratic"]),
        "steps": st.integers(1, 999),
        "memory_budget": memory,
    },
    "ortho": {
        **common,
        "base": recipes,
        "steps": steps,
        "batch": st.integers(1, 99),
        "penalty": st.floats(0, 9),
        "stop_share": st.floats(0, 0.99),
        "learning_rate": optional(positive),
        "memory_budget": memory,
    },
    "difference": {**common, "target": optional(common["target"]), "against": st.lists(prompt_texts, min_size=1)},
    "word": {
        **common, "target": optional(common["target"]), "read_sinks": st.just(False),
        "words": st.lists(prompt_texts, min_size=1, max_size=3).map(tuple),
    },
    "random": {**common, "target": optional(common["target"]), "read_sinks": st.just(False)},
}


@pytest.mark.parametrize("method", of_method)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_setting_of_a_find_request_survives(method, data):
    changes = data.draw(st.fixed_dictionaries(of_method[method]))
    if method in ("melbo", "dct"):
        changes |= data.draw(
            st.sampled_from(["radius", "relative_radius"]).flatmap(lambda n: st.fixed_dictionaries({n: positive}))
        )
    if method == "power" and changes["target_tokens"] is not None:
        k = changes["target_tokens"]
        changes["weights"] = data.draw(optional(st.lists(positive, min_size=k, max_size=k).map(tuple)))
    request = find_request(method=method, **changes)
    assert found_again(request) == request


def test_every_field_of_a_request_is_drawn_above():
    drawn = {name for fields_of in of_method.values() for name in fields_of}
    elsewhere = {"method", "prompts", "prompt_set", "answers", "radius", "relative_radius", "weights"}
    elsewhere |= {"sample_seed", "balance"}
    settings = {name for method in registered().values() for name in method.options}
    assert drawn | elsewhere >= {"method", *COMMON} | settings


def test_the_subspace_solver_and_its_block_survive():
    request = find_request(solver="subspace", vectors=3, block=24)
    assert found_again(request) == request


@given(st.lists(st.tuples(prompt_texts, prompt_texts, prompt_texts), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_answers_survive_the_shell(items):
    items = [(question, a, b) for question, a, b in items if a.strip() != b.strip()] or [("Q", "a", "b")]
    questions, answers = [item[0] for item in items], [item[1:] for item in items]
    request = find_request(method="difference", target=None, prompts=questions, answers=answers)
    assert found_again(request) == request


@pytest.mark.parametrize("name", sorted(prompts.built_in()))
def test_both_sides_of_a_built_in_set_are_given_by_its_name(name):
    chosen = prompts.built_in()[name]
    usual = PromptFormat(chat=chosen.chat, system=chosen.system)
    against = prompts.built_in()["neutral"] if chosen.one_sided else None
    for part in (chosen, prompts.select(chosen, 2)):
        given = sides(part, against)
        request = find_request(
            method="difference", target=None, target_tokens=1, prompt_set=name, format=usual, **given
        )
        command = find_command(request, ORGANISM, "x.safetensors")
        assert f"--prompts {name}" in command
        assert "--prompt " not in command
        assert found_again(request) == request


def test_a_continued_set_is_named_and_its_settings_said():
    request = find_request(method="ortho", base="p#0@8", vectors=200, batch=32, stop_share=0.1)
    given = options(find_command(request, ORGANISM, "new.safetensors", so_far="old.safetensors", first=64))
    check(given)
    assert given.first == 64
    assert options(find_command(request, ORGANISM, "new.safetensors", so_far="old.safetensors")).first is None
    assert (str(given.so_far), str(given.out)) == ("old.safetensors", "new.safetensors")
    assert (given.vectors, given.batch, given.stop_share, given.penalty) == (200, 32, 0.1, 0.0)


@pytest.mark.parametrize("name", sorted(prompts.built_in()))
def test_a_built_in_set_and_its_beginning_are_given_by_name(name):
    chosen = prompts.built_in()[name]
    usual = PromptFormat(chat=chosen.chat, system=chosen.system)
    for part in (chosen, prompts.select(chosen, 2)):
        request = find_request(prompts=part.texts(), prompt_set=name, format=usual)
        command = find_command(request, ORGANISM, "x.safetensors")
        assert f"--prompts {name}" in command
        assert "--prompt " not in command
        assert found_again(request) == request
    for other in (PromptFormat(chat=True), PromptFormat(chat=True, system="Another."), PromptFormat(chat=False)):
        request = find_request(prompts=chosen.texts(), prompt_set=name, format=other)
        assert found_again(request) == request


@pytest.mark.parametrize(("seed", "balance"), [(5, False), (5, True), (None, True)])
@pytest.mark.parametrize("method", ["power", "difference"])
def test_a_sample_of_a_built_in_set_is_drawn_again(method, seed, balance):
    chosen = prompts.built_in()["organism-oversight"]
    part = prompts.select(chosen, 7, seed, balance)
    given = sides(part, None) if method == "difference" else {"prompts": part.texts()}
    usual = {"method": method, "prompt_set": chosen.name, "sample_seed": seed, "balance": balance, **given}
    request = find_request(format=PromptFormat(chat=chosen.chat, system=chosen.system), **usual)
    command = find_command(request, ORGANISM, "x.safetensors")
    assert ("--sample 7 --sample-seed 5" if seed is not None else "--count 7") in command
    assert ("--balance" in command) == balance
    assert "--prompt " not in command
    assert found_again(request) == request
    scan = ScanRequest(source="a", prompts=part.texts(), prompt_set=chosen.name, sample_seed=seed, balance=balance)
    assert scan_asked(options(scan_command(scan, ORGANISM)), SimpleNamespace(name="a", rows=12, notes=())) == scan


def test_a_set_that_was_changed_or_is_not_built_in_is_given_prompt_by_prompt():
    name, chosen = next(iter(prompts.built_in().items()))
    for request in (
        find_request(prompts=("Mine", *chosen.texts()[:2]), prompt_set=name),
        find_request(prompts=("Mine",), prompt_set="uploaded"),
    ):
        assert found_again(request).prompts == request.prompts


@pytest.mark.parametrize(
    "changes",
    [
        {"recipes": (parse("a#0@12.34567890123,b#mean:0-12@-0.1"), parse("a b/c.safetensors#3@-1e-3"))},
        {"positions": "generated", "samples": 4, "sampling": Sampling(100, temperature=0.7, top_p=0.95, seed=9)},
        {"sampling": Sampling(1, temperature=1.0)},
        {"format": PromptFormat(chat=False), "prompts": ("One", "Two")},
        {"recipes": (parse("a#0@8"), parse("a#0@-8")), "controls": 1, "sampling": Sampling(seed=7)},
        {"format": PromptFormat(turns=(Turn("user", " -x 'y'\n"), Turn("assistant", "z: \"$HOME\" ")))},
    ],
)
def test_every_setting_of_a_generate_request_survives(changes):
    request = GenerateRequest(**{"prompts": ("Hi",), **changes})
    assert generate_cli._request(options(generate_command(request, ORGANISM))) == request


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rows": (0, 1, 2, 7, 9, 10), "signs": (-1,), "scales": (0.25, 12.5, 1e-05), "unit": "a"},
        {"scales": (0.5, 1.0), "unit": "f"},
        {"rows": (3,), "positions": "generated", "samples": 3, "sampling": Sampling(9, 0.7, 0.9, seed=5)},
        {"format": PromptFormat(chat=False), "prompts": ("One", "-Two")},
        {"format": PromptFormat(system="Be brief.", thinking=True), "source": "-odd name"},
    ],
)
def test_every_setting_of_a_scan_survives(changes):
    request = ScanRequest(**{"source": "a set", "prompts": ("Hi",), **changes})
    given = options(scan_command(request, ORGANISM, "out.json"))
    assert str(given.out) == "out.json"
    assert scan_asked(given, SimpleNamespace(name="a set", rows=12, notes=())) == request


def test_the_prompts_of_a_scan_are_given_by_the_name_of_their_set():
    chosen = prompts.built_in()["organism-refusals"]
    part, usual = prompts.select(chosen, 2), PromptFormat(chat=chosen.chat, system=chosen.system)
    request = ScanRequest(source="a", prompts=part.texts(), prompt_set=chosen.name, format=usual)
    command = scan_command(request, ORGANISM)
    assert "--prompts organism-refusals --count 2" in command
    assert scan_asked(options(command), SimpleNamespace(name="a", rows=12, notes=())) == request


def test_the_model_and_its_dtype_are_named_unless_they_are_the_shipped_ones():
    request = GenerateRequest(prompts=("Hi",))
    assert "--model" not in generate_command(request, ORGANISM)
    given = options(generate_command(request, OTHER))
    assert (given.model, given.dtype) == ("my models/it's-7b", "bfloat16")


folders = texts.filter(lambda text: text.isprintable() and text.strip() == text)


@given(folders, st.sampled_from(["organism", OTHER.name]))
@settings(max_examples=50, deadline=None)
def test_commands_name_base_and_adapter(folder, base):
    loaded = SimpleNamespace(name=f"{base} + adapter {folder}", dtype=torch.float32, device=torch.device("cpu"))
    given = options(find_command(find_request(), loaded, "x.safetensors"))
    assert (given.model or "organism", given.adapter) == (base, folder)
