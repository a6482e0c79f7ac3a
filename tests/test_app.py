"""Starting the page: what cannot be used is refused in one sentence, before anything slow is imported."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from playground.cli import serve
from playground.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "tpu"], "Expected a device: auto, cuda or cpu, got 'tpu'"),
        (["--dtype", "int8"], "Expected a dtype: auto, bfloat16 or float32, got 'int8'"),
        (["--port", "abc"], "Expected a port from 1 to 65535, got 'abc'"),
        (["--port", "70000"], "Expected a port from 1 to 65535, got 70000"),
        (["--host", "300.1.2.3"], "Expected an address of this machine, got 300.1.2.3"),
        (["--modle", "x"], "Expected options that this command knows, got --modle x"),
        (["--model"], "Expected a value after --model, got none"),
        (["--auth", "user"], "Expected USER:PASS after --auth, got no user or no password"),
        (["--models", "/nowhere"], "Expected a folder of models after --models, but there is none at /nowhere"),
    ],
)
def test_wrong_options_are_one_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        app.parse(arguments)


def test_a_port_that_is_taken_is_one_sentence(taken: int) -> None:
    with pytest.raises(InputError, match=f"Expected a free port, got {taken} at 127.0.0.1"):
        app.parse(["--port", str(taken)])


def test_a_free_port_and_none_at_all_are_taken_as_they_are() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert app.parse(["--port", str(port)]).port == port
    assert app.parse([]).port is None


def test_the_process_ends_with_status_2_and_one_line() -> None:
    command = [sys.executable, "app.py", "--port", "x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("app.py: Expected a port")


def test_accounts_are_read_from_the_option_or_from_the_lines_of_a_file(tmp_path: Path) -> None:
    assert serve.accounts("me:a:b") == (("me", "a:b"),)
    file = tmp_path / "accounts"
    file.write_text("# who may\nme:one\n\nyou:two\n")
    assert serve.accounts(str(file)) == (("me", "one"), ("you", "two"))
    file.write_text("me:one\nyou\n")
    with pytest.raises(InputError, match="in line 2 of"):
        serve.accounts(str(file))


def test_a_space_is_public_and_a_share_link_is_an_option_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not app.parse([]).public
    assert not app.parse(["--public"]).share
    monkeypatch.setenv("SPACE_ID", "me/play")
    assert app.parse([]).public
    assert not app.parse(["--no-public"]).public
