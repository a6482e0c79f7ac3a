"""Neither the report of a problem nor the log of --verbose holds a text of a user; the log rotates."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.core.contrast import random_directions
from playground.errors import InputError, PlaygroundError
from playground.library.origin import now
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.recipe import parse
from playground.library.vector_set import Origin, RowNote, VectorSet
from playground.model.load import load
from playground.model.prompting import PromptFormat
from playground.services import recent, verbose
from playground.services.bug_report import report
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate
from playground.services.jobs import Jobs
from playground.services.scan import ScanRequest, scan
from playground.ui.kit.running import sentence

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("xyzzy-prompt", "xyzzy-system", "xyzzy-set", "xyzzy-label", "xyzzy-answer", "xyzzy-path", "xyzzy-error")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    recent.RUNS.clear()
    recent.FAILURES.clear()
    yield
    logger = logging.getLogger("playground")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)


def session_with_secrets(jobs: Jobs) -> None:
    """Runs and errors of a visitor whose every text holds a secret."""
    loaded = load()
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count, source=3,
        method="random", residual_norm=10.0, created=now(), prompts=("xyzzy-prompt",), prompt_set="xyzzy-set",
    )  # fmt: skip
    vector_set = VectorSet(random_directions(2, loaded.width, 0), origin, notes=(RowNote("xyzzy-label"), RowNote()))
    told = PromptFormat(system="xyzzy-system")
    recipe = parse("xyzzy-set#1@0.2r")
    request = GenerateRequest(prompts=("xyzzy-prompt",), format=told, recipes=(recipe,), samples=2)
    jobs.start("generating", lambda job: generate(loaded, request, lambda name: vector_set)).result()
    jobs.start("computing vectors", lambda job: find(loaded, find_request(
        method="power", prompts=("xyzzy-prompt",), prompt_set="xyzzy-set", source=3, target=9, vectors=2, format=told,
    ))).result()  # fmt: skip
    scanned = ScanRequest(source="xyzzy-set", prompts=("xyzzy-prompt",), prompt_set="xyzzy-set", format=told)
    jobs.start("scanning", lambda job: scan(loaded, scanned, lambda name: vector_set)).result()
    for error in (InputError("Expected a set, got xyzzy-error."), KeyError("xyzzy-error"), OSError(2, "xyzzy-error")):

        def fail(job: object, error: Exception = error) -> None:
            raise error from ValueError("xyzzy-error")

        try:
            jobs.start("loading /home/xyzzy-path", fail).result()
        except (PlaygroundError, KeyError, OSError) as raised:
            sentence(raised)
    logging.getLogger("playground.library").warning("vectors of %s are shown without labels", "xyzzy-set")


def test_report_and_log_of_a_session_hold_none_of_its_texts(tmp_path: Path) -> None:
    path = verbose.start_log(tmp_path)
    jobs = verbose.LoggedJobs()
    try:
        session_with_secrets(jobs)
    finally:
        jobs.close()
    said, logged = report(load()), path.read_text(encoding="utf-8")
    for secret in ("xyzzy", *SECRETS):
        assert secret not in said
        assert secret not in logged
    told = json.loads(said)
    assert [run["kind"] for run in told["last runs"]] == ["GenerateRequest", "FindRequest", "ScanRequest"]
    assert told["last runs"][0]["settings"]["samples"] == 2
    assert told["last runs"][0]["settings"]["recipes"][0]["components"][0]["row"] == 1
    assert told["last runs"][1]["settings"]["method"] == "power"
    assert [error["types"][0] for error in told["last errors"]] == ["InputError", "KeyError", "FileNotFoundError"]
    assert all("playground/services/job.py" in str(error["places"]) for error in told["last errors"])
    assert told["model"]["architecture"] == "Qwen3ForCausalLM"
    for line in ("job generating begins", "job generating ends", "job loading fails with KeyError", "error InputError"):
        assert line in logged


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=40))
def test_no_text_of_a_request_is_among_its_settings(text: str) -> None:
    # Between marks that no number, name of a field or class holds.
    secret = f"⟦{text}⟧"
    items = (ChoiceItem(secret, secret + "a", secret + "b"),) * 2
    asked = PromptSet(name=secret, title=secret, description=secret, items=items, kind="choices", system=secret)
    requests = (
        asked,
        GenerateRequest(prompts=(secret,), format=PromptFormat(system=secret)),
        ScanRequest(source=secret, prompts=(secret, secret), prompt_set=secret),
        find_request(method="power", prompts=(secret,), prompt_set=secret, source=1, target=2),
    )
    for request in requests:
        assert "⟦" not in repr(recent.settings(request))


def test_an_error_tells_places_of_the_code_and_no_folder(tmp_path: Path) -> None:
    script = tmp_path / "secret-folder" / "extension.py"
    script.parent.mkdir()
    code = compile("def broken():\n    raise ValueError('secret')\nbroken()", str(script), "exec")
    with pytest.raises(ValueError, match="secret") as caught:
        exec(code, {})
    failure = recent.failure_of(caught.value)
    assert failure.places[-1] == "extension.py:2 broken"
    assert "secret" not in str(failure)


def test_the_log_rotates_within_five_files_of_a_megabyte(tmp_path: Path) -> None:
    path = verbose.start_log(tmp_path)
    for _ in range(70):
        recent.LOG.info("%s", "x" * 99_000)
    files = sorted(tmp_path.iterdir())
    assert len(files) == verbose.FILES == 5
    assert path in files
    assert max(file.stat().st_size for file in files) <= verbose.FILE_BYTES == 1_000_000


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Expected to write the log of --verbose to .*; leave --verbose out"):
        verbose.start_log(tmp_path / "file")


def test_verbose_logs_requests_by_their_routes_and_says_where(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path / "said"
    with said.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "app.py", "--verbose", "--port", str(port)], cwd=ROOT, stdout=file, stderr=file,
            env=os.environ | {"HOME": str(tmp_path)},
        )  # fmt: skip
    path = tmp_path / ".steering-playground" / "log" / "playground.log"
    try:
        deadline = time.monotonic() + 120
        while "GET /config 200" not in (path.read_text() if path.exists() else ""):
            assert time.monotonic() < deadline, said.read_text() + (path.read_text() if path.exists() else "")
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                for address in ("config", "xyzzy?xyzzy=1", "gradio_api/file=/home/xyzzy", "gradio_api/heartbeat/xyzzy"):
                    with contextlib.suppress(urllib.error.HTTPError, TimeoutError):
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/{address}", timeout=2).close()
    finally:
        server.kill()
        server.wait()
    logged = path.read_text(encoding="utf-8")
    assert f"log: {path}" in said.read_text()
    assert "GET /gradio_api/file={path_or_url:path} 403" in logged
    assert "xyzzy" not in logged
