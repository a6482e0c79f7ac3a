"""The command line's options: documented, and refused in one line when they are wrong, without importing torch."""

from __future__ import annotations

import argparse
import re
import sys

import pytest

from playground.cli.main import COMMANDS, build_parser
from playground.cli.parser import DATE, DEVICES, DTYPES
from playground.limits import LIMITS

FIND = ("find", "power", "--prompt", "Hi there", "--source", "0", "--target", "2", "--out", "x.safetensors")
GENERATE = ("generate", "--prompt", "Hi there")


def parsers(parser: argparse.ArgumentParser, name: str = "playground"):
    """Every command and method, with its name."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, child in action.choices.items():
                yield from parsers(child, f"{name} {word}")


ALL = dict(parsers(build_parser()))


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_described(name):
    for action in ALL[name]._actions:
        if isinstance(action, argparse._SubParsersAction):
            described = {choice.dest for choice in action._choices_actions if choice.help}
            assert described == set(action.choices)
        else:
            assert action.help
            assert action.help is not argparse.SUPPRESS, f"{name} {action.dest}"


@pytest.mark.parametrize("name", ALL)
def test_the_help_shows_every_option_with_its_description(name):
    text = " ".join(ALL[name].format_help().split())
    for action in ALL[name]._actions:
        if action.option_strings:
            assert action.option_strings[-1] in text
            assert " ".join(str(action.help).split("%")[0].split())[:30] in text


@pytest.mark.parametrize("name", [name for name in ALL if name.count(" ") < 3])
def test_every_command_says_what_it_does(name):
    assert ALL[name].description


def test_the_commands_are_those_of_the_design():
    assert {"find", "generate", "train-organism"} <= set(COMMANDS)
    methods = ("power", "melbo", "ortho", "difference", "random")
    assert {f"playground find {method}" for method in methods} <= set(ALL)


def test_choices_that_are_written_twice_are_equal():
    """The parser must not import torch, where the originals are."""
    from playground.methods.base.registry import registered
    from playground.model.chat_template import DATE as date
    from playground.model.load import DEVICES as devices
    from playground.model.load import DTYPES as dtypes

    assert devices == DEVICES
    assert dtypes == DTYPES
    assert date == DATE
    assert set(registered()) == {name.split()[-1] for name in ALL if name.startswith("playground find ")}


def test_defaults_that_the_help_names_are_those_of_the_requests():
    from playground.methods.base.registry import method_of
    from playground.methods.base.request import default_of
    from playground.methods.melbo import RELATIVE_RADII
    from playground.model.generation.sampling import Sampling

    find, generate = ALL["playground find power"].format_help(), ALL["playground generate"].format_help()
    power = method_of("power")
    assert f"({power.reads.tokens})" in described(find, "--tokens")
    assert f"({power.count.usual}; at most {LIMITS.vectors})" in described(find, "--vectors")
    melbo, ortho = (ALL[f"playground find {method}"].format_help() for method in ("melbo", "ortho"))
    assert f"at most {RELATIVE_RADII[1]})" in described(melbo, "--relative-radius")
    for method in map(method_of, ("power", "melbo", "ortho")):
        for name in method.options:
            if default_of(method, name) is not None:
                said = described(ALL[f"playground find {method.name}"].format_help(), f"--{name.replace('_', '-')}")
                assert f"({default_of(method, name)}" in said
    assert f"({method_of('ortho').count.usual}" in described(ortho, "--vectors")
    assert f"({Sampling.max_new_tokens}; at most {LIMITS.new_tokens})" in described(generate, "--max-new-tokens")


def described(text: str, option: str) -> str:
    match = re.search(rf"^  {option} .*?(?=^  --|^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match
    return " ".join(match[0].split()).replace("at most this many steps (40); it", "(40) it")


BAD = {
    "no command": ((), ["COMMAND"]),
    "unknown command": (("fnd",), ["find", "'fnd'"]),
    "unknown method": (("find", "melbow", *FIND[2:]), ["power", "'melbow'"]),
    "two radii": (
        ("find", "melbo", *FIND[2:], "--radius", "3", "--relative-radius", "0.5"),
        ["--radius", "--relative"],
    ),
    "a radius of 0": (("find", "melbo", *FIND[2:], "--radius", "0"), ["radius", "got 0"]),
    "a radius that is not a number": (("find", "melbo", *FIND[2:], "--relative-radius", "nan"), ["radius", "got nan"]),
    "no steps": (("find", "melbo", *FIND[2:], "--steps", "0"), ["steps", "got 0"]),
    "an option of melbo for power": ((*FIND, "--radius", "3"), ["--radius"]),
    "ortho without a base": (("find", "ortho", *FIND[2:]), ["--base"]),
    "ortho with nothing": (("find", "ortho"), ["--prompts", "--source", "--target", "--base", "--out", "--continue"]),
    "a continued set with other layers": (("find", "ortho", "--continue", "x", "--source", "0"), ["--source"]),
    "a continued set with other tokens": (("find", "ortho", "--continue", "x", "--tokens", "all"), ["--tokens"]),
    "a continued set with sinks": (("find", "ortho", "--continue", "x", "--read-sinks"), ["--read-sinks"]),
    "a continued set with another base": (("find", "ortho", "--continue", "x", "--base", "x#0@1"), ["--base"]),
    "a continued set with another seed": (("find", "ortho", "--continue", "x", "--seed", "1"), ["--seed"]),
    "a batch of 0": (("find", "ortho", *FIND[2:], "--base", "x#0@1", "--batch", "0"), ["batch", "got 0"]),
    "a share above 1": (("find", "ortho", *FIND[2:], "--base", "x#0@1", "--stop-share", "2"), ["share", "got 2"]),
    "two other sides": (
        ("find", "difference", *FIND[2:], "--against", "x", "--against-prompt", "y"),
        ["--against", "--against-prompt"],
    ),
    "tokens that are neither a number nor all": ((*FIND, "--tokens", "some"), ["tokens", "all", "'some'"]),
    "weights that are no numbers": ((*FIND, "--weights", "1,x"), ["weight", "'x'"]),
    "a negative weight": ((*FIND, "--weights", "1,-1"), ["weight", "got -1"]),
    "an unknown metric": ((*FIND, "--metric", "fisher"), ["variance", "'fisher'"]),
    "no method": (("find",), ["METHOD"]),
    "no source": ((*FIND[:4], "--target", "2", "--out", "x"), ["--source"]),
    "no target": ((*FIND[:6], "--out", "x"), ["--target"]),
    "no out": (FIND[:-2], ["--out"]),
    "no prompts": (("find", "power", *FIND[4:]), ["--prompts", "--prompt"]),
    "both kinds of prompts": ((*FIND, "--prompts", "refusal"), ["--prompts", "--prompt"]),
    "an unknown option": ((*FIND, "--sorce", "3"), ["--sorce"]),
    "an abbreviated option": (("find", "power", "--prompt", "Hi", "--sour", "0", *FIND[6:]), ["--source"]),
    "a layer that is no number": ((*FIND, "--source", "three"), ["source layer", "'three'"]),
    "a layer that is no whole number": ((*FIND, "--target", "2.5"), ["target layer", "'2.5'"]),
    "a negative layer": ((*FIND, "--source=-1"), ["source layer", "got -1"]),
    "no vectors": ((*FIND, "--vectors", "0"), ["vectors", "got 0"]),
    "no tokens": ((*FIND, "--tokens", "0"), ["tokens", "got 0"]),
    "a seed that is no number": ((*FIND, "--seed", "x"), ["seed", "'x'"]),
    "an option without its value": ((*FIND, "--seed"), ["--seed"]),
    "an unknown dtype": ((*FIND, "--dtype", "float8"), ["bfloat16", "'float8'"]),
    "an unknown device": ((*FIND, "--device", "tpu"), ["cuda", "'tpu'"]),
    "an unknown solver": ((*FIND, "--solver", "qr"), ["krylov", "'qr'"]),
    "a tolerance of 0": ((*FIND, "--tolerance", "0"), ["tolerance", "got 0"]),
    "raw and chat": ((*FIND, "--raw", "--chat"), ["--raw", "--chat"]),
    "a value for a switch": ((*FIND, "--json=yes"), ["--json", "yes"]),
    "a power option for random": ((FIND[0], "random", *FIND[2:], "--steps", "3"), ["--steps"]),
    "no prompt": (("generate",), ["--prompt"]),
    "a temperature that is no number": ((*GENERATE, "--temperature", "hot"), ["temperature", "'hot'"]),
    "a temperature that is not a number": ((*GENERATE, "--temperature", "nan"), ["temperature", "got nan"]),
    "a negative temperature": ((*GENERATE, "--temperature=-1"), ["temperature", "got -1"]),
    "a top-p above 1": ((*GENERATE, "--top-p", "1.5"), ["top-p", "got 1.5"]),
    "no new tokens": ((*GENERATE, "--max-new-tokens", "0"), ["tokens", "got 0"]),
    "unknown positions": ((*GENERATE, "--positions", "some"), ["prompt", "'some'"]),
    "a stray word": ((*GENERATE, "twice"), ["twice"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_option_is_one_line_on_standard_error_and_status_2(command, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, expected = BAD[case]
    run = command(*words)
    assert run.status == 2
    assert run.out == ""
    assert re.fullmatch(r"playground: expected [^\n]*, got [^\n]*\n", run.err), run.err
    for word in expected:
        assert word in run.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("find", "--help"),
        ("find", "power", "--help"),
        ("find", "power"),
        ("generate", "--top-p", "x"),
    ],
)
def test_help_and_wrong_options_do_not_import_torch(process, words, tmp_path):
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')")
    run = process(*words, PYTHONPATH=f"{tmp_path}:{sys.path[0]}:{':'.join(sys.path)}")
    assert "torch was imported" not in run.err
    assert run.status == (0 if "--help" in words else 2)


def test_line_breaks_in_what_was_given_do_not_make_a_second_line(command):
    assert command("find", "po\nwer").err.count("\n") == 1


@pytest.mark.parametrize("numbers", ["-4,0,4", "-.5,1e-3", "-4, 4", "-1e-3", "-4"])
def test_numbers_that_begin_with_a_minus_need_no_equals_sign(numbers):
    words = ["measure", "--choices", "organism-oversight", "--vectors", "x"]
    expected = build_parser().parse_args([*words, f"--scales={numbers}"]).scales
    assert build_parser().parse_args([*words, "--scales", numbers, "--controls", "2"]).scales == expected


def test_no_option_begins_with_a_digit():
    """Otherwise a word such as -4,0,4 could not be told from one."""
    options = {word for parser in ALL.values() for action in parser._actions for word in action.option_strings}
    assert not [word for word in options if word.lstrip("-")[:1].isdigit()]
