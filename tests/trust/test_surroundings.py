"""What a program finds around it: encodings of a terminal, proxies of the environment, a proxy in front."""

from __future__ import annotations

import http.client
import http.server
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from gradio_client import Client

import app
from playground.cli.main import main
from playground.errors import InputError
from playground.proxies import spare_this_machine

ROOT = Path(__file__).resolve().parents[2]
PROXIES = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "all_proxy": "socks5://127.0.0.1:9"}
PREFIX = "/play"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("json_too", [True, False])
def test_a_text_that_the_terminal_cannot_show_is_printed_with_replacements(
    encoding, json_too, tiny_path, monkeypatch
):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    words = ["generate", "--model", str(tiny_path("qwen3")), "--prompt", "→ σ", "--max-new-tokens", "2"]
    assert main([*words, *(["--json"] if json_too else [])]) == 0
    sys.stdout.flush()
    said = out.getvalue().decode(encoding)
    if json_too:
        assert json.loads(said)["rows"][0]["prompt"] == "→ σ"
    else:
        assert "?" in said


def test_proxies_that_no_client_can_use_are_dropped_and_others_spare_this_machine(monkeypatch, caplog):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "proxy.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example")
    monkeypatch.setenv("NO_PROXY", "intern.example")
    spare_this_machine("10.1.2.3")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intern.example,localhost,127.0.0.1,::1,10.1.2.3"
    assert os.environ["http_proxy"] == "proxy.example:3128"
    assert "HTTPS_PROXY" not in os.environ
    assert "the proxy of HTTPS_PROXY cannot be used and is ignored" in caplog.text


@pytest.mark.parametrize("path", ["play", "//play", "/play?x", "ftp://x"])
def test_a_root_path_that_is_none_is_one_sentence(path):
    with pytest.raises(InputError, match=r"Expected a path such as /play after --root-path, got .*; write it"):
        app.parse(["--root-path", path])


class Stripping(http.server.BaseHTTPRequestHandler):
    """A reverse proxy that shows another server below PREFIX, as nginx does, and nothing elsewhere."""

    server_port = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if not self.path.startswith(PREFIX + "/"):
            return self.send_error(404)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behind = http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=60)
        behind.request(self.command, self.path.removeprefix(PREFIX), body, dict(self.headers))
        answer = behind.getresponse()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.end_headers()
        while part := answer.read1(1 << 16):
            self.wfile.write(part)
            self.wfile.flush()
        behind.close()

    do_POST = do_GET


@pytest.fixture(scope="module")
def shown_at(tmp_path_factory):
    """The port of a proxy that strips PREFIX, in front of app.py, which runs with every proxy variable set."""
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), "--root-path", f"{PREFIX}/"],
            cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, env=os.environ | PROXIES | {"NO_PROXY": "example.org"},
        )  # fmt: skip
    stripping = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Here", (Stripping,), {"server_port": port})
    )
    threading.Thread(target=stripping.serve_forever, daemon=True).start()
    try:
        wait_for(port, server, log)
        yield stripping.server_address[1]
    finally:
        server.kill()
        server.wait()
        stripping.shutdown()
        stripping.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 90
    while "Running on" not in log.read_text():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def fetch(port: int, method: str, path: str, body: object = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if "event-stream" not in answer.headers["Content-Type"]:
        return answer.status, answer.read().decode()
    said = ""
    while "process_completed" not in said and (line := answer.readline()):
        said += line.decode()
    connection.close()
    return answer.status, said


def test_a_page_behind_a_proxy_that_strips_a_path_loads_and_works_with_every_proxy_variable_set(shown_at):
    status, page = fetch(shown_at, "GET", f"{PREFIX}/")
    assert status == 200
    root = re.search(r'"root":"([^"]+)"', page)
    assert root is not None
    assert root[1] == f"http://127.0.0.1:{shown_at}{PREFIX}"
    status, text = fetch(shown_at, "GET", f"{PREFIX}/config")
    config = json.loads(text)
    queued = next(one for one in config["dependencies"] if one["backend_fn"] and one["queue"] and not one["inputs"])
    prefix, session = config["api_prefix"], "session"
    asked = {"data": [], "fn_index": queued["id"], "session_hash": session, "trigger_id": queued["targets"][0][0]}
    status, text = fetch(shown_at, "POST", f"{PREFIX}{prefix}/queue/join", asked)
    assert status == 200, text
    status, text = fetch(shown_at, "GET", f"{PREFIX}{prefix}/queue/data?session_hash={session}")
    assert status == 200
    assert '"success":true' in text


def test_endpoints_are_called_through_the_prefix(shown_at):
    client = Client(f"http://127.0.0.1:{shown_at}{PREFIX}", verbose=False)
    answer = client.predict(["Hello"], max_new_tokens=2, api_name="/generate")
    assert answer["state"] == "done"
    assert len(answer["rows"]) == 1
