"""Run by test_kill.py in a process of its own: commands that are killed while they write, each in a fork.

`python killed.py MODEL FOLDER` prints one JSON object: command → what its files were after each kill, and at last what
running it again gave.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from pathlib import Path

from playground.cli.main import main
from playground.library import vector_set
from playground.library.store import Store
from playground.model.load import load
from playground.services import find, measure, scan  # noqa: F401  once, and not in every fork
from playground.services.evidence import run as evidence  # noqa: F401

PROMPT = "Does it help?"
ITEM = {"question": PROMPT, "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}


def killed_at(call: str, number: int, words: list[str]) -> bool:
    """Run a command in a fork that is killed within its `number`-th call of os.`call`; whether it was."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    real, calls = getattr(os, call), 0

    def fatal(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)

    setattr(os, call, fatal)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(words)
    os._exit(status)


def again(words: list[str]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(words)
    os._exit(status)


def seen(folder: Path) -> list[str]:
    """What stands in a folder; hidden files are leftovers, which no list shows."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def run(model: str, folder: Path) -> None:
    load(model, "cpu")
    sets = folder / "x.safetensors"
    asked = folder / "asked.json"
    asked.write_text(json.dumps([ITEM, ITEM | {"question": "Is it blue?"}]))
    layers, made = ["--prompt", PROMPT, "--source", "1", "--target", "3"], ["--model", model, "--json"]
    assert again(["find", "random", "--prompt", PROMPT, "--source", "1", "--vectors", "2", "--no-scales", "--out",
                  str(sets), *made]) == 0  # fmt: skip
    told: dict[str, object] = {}
    grid = ["--scales", "1", "--unit", "a"]
    for name, words in {
        "scan": ["scan", "--vectors", str(sets), "--prompt", PROMPT, *grid, "--max-new-tokens", "2"],
        "measure": ["measure", "--choices", str(asked), "--vectors", str(sets), *grid],
    }.items():
        place = folder / name
        place.mkdir()
        words += ["--out", str(place / "y.json"), *made]
        states = [(killed_at(call, 1, words), seen(place)) for call in ("fsync", "replace")]
        told[name] = states, again(words), seen(place), bool(json.loads((place / "y.json").read_text()))
    place = folder / "ortho"
    place.mkdir()
    out = place / "o.safetensors"
    words = ["find", "ortho", *layers, "--base", f"{sets}#0@2", "--batch", "2", "--steps", "2", "--stop-share", "0",
             "--vectors", "6", "--no-scales", "--out", str(out), *made]  # fmt: skip
    states = []
    for number in (1, 2, 3):
        killed = killed_at("replace", number, words)
        states.append((killed, seen(place), vector_set.load(out).rows if out.exists() else 0))
    listed = [(entry.name, entry.problem) for entry in Store(place).list()]
    continued = again(["find", "ortho", "--continue", str(out), "--vectors", "6", "--no-scales", *made])
    told["ortho"] = states, listed, continued, vector_set.load(out).rows
    place = folder / "evidence"
    words = ["evidence", "--size", "small", "--only", "steered", "--out", str(place), "--json"]
    killed = killed_at("replace", 2, words)
    left = seen(place)
    told["evidence"] = killed, left, again(words), seen(place)
    print(json.dumps(told))


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
