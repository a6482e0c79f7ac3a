"""Ctrl-C: a find keeps what there is, everything else leaves nothing, and the exit status is 130."""

from __future__ import annotations

import importlib
import json
import os
import signal

import pytest

from playground.library import vector_set

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PROMPT = "How do I bake a loaf of bread?"


@pytest.fixture
def interrupt(monkeypatch):
    """Have a Ctrl-C come when `name` of `module` is called with arguments for which `when` holds."""

    def arrange(module: str, name: str, when) -> None:
        place = importlib.import_module(module)
        real = getattr(place, name)

        def interrupted(*args, **options):
            if when(*args):
                os.kill(os.getpid(), signal.SIGINT)
            return real(*args, **options)

        monkeypatch.setattr(place, name, interrupted)

    # Tests started in the background inherit a SIGINT that is ignored.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield arrange
    put_back = signal.signal(signal.SIGINT, inherited) is signal.default_int_handler
    assert put_back, "the handler of before was not put back"


@pytest.fixture
def find(command, tiny_path, tmp_path):
    words = ("find", "power", "--model", tiny_path("qwen3"), "--prompt", PROMPT, "--source", 0, "--target", 3)
    out = tmp_path / "x.safetensors"
    return out, lambda *more: command(*words, "--out", out, "--json", *more)


def test_a_find_keeps_what_there_is(find, interrupt):
    out, run = find
    interrupt("playground.cli.find.execute", "line", lambda event: event.stage == "iterate" and event.step == 9)
    done = run("--vectors", 8, "--block", 1, "--tolerance", "1e-9")
    assert done.status == 130
    assert "stopped after step 9" in done.err
    assert json.loads(done.out)["converged"] is False
    kept = vector_set.load(out)
    assert kept.origin.converged is False
    assert kept.rows == 8


def test_a_find_that_has_nothing_yet_leaves_no_file(find, interrupt):
    out, run = find
    interrupt("playground.cli.find.execute", "line", lambda event: event.stage == "encode")
    done = run()
    assert (done.status, done.out) == (130, "")
    assert done.err.endswith("playground: stopped before there was anything to keep.\n")
    assert not out.exists()


def test_loading_is_stopped_at_once(find, interrupt):
    out, run = find
    interrupt("playground.cli.models", "load", lambda *_: True)
    done = run()
    assert (done.status, done.out) == (130, "")
    assert done.err == "playground: stopped before there was anything to keep.\n"
    assert not out.exists()


def test_a_second_ctrl_c_does_not_wait_for_the_step(find, interrupt):
    out, run = find
    interrupt("playground.cli.find.execute", "line", lambda event: True)
    done = run("--vectors", 8, "--block", 1)
    assert (done.status, done.out) == (130, "")
    assert not out.exists()


def test_a_generation_prints_no_half_result(command, tiny_path, interrupt):
    interrupt("playground.cli.generate", "_line", lambda event: event.step == 2)
    done = command("generate", "--model", tiny_path("qwen3"), "--prompt", PROMPT, "--max-new-tokens", 40, "--json")
    assert (done.status, done.out) == (130, "")
