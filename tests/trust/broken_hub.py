"""Run by test_download.py in a process of its own: a model of a Hub on this machine, whose answers break off.

`python broken_hub.py FOLDER` serves the model in FOLDER as tiny/model, and prints one JSON object: kind of fault → the
error of loading it, and how many seconds that took; at last whether the model came whole.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

SHA = "a" * 40
WEIGHTS = "model.safetensors"


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the Hub as a download asks for."""

    folder = Path()
    fault = ""  # what happens to the weights: "cut", "500", "hang", "" for nothing
    left = threading.Event()
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        name = self.path.partition("?")[0]
        if name.startswith("/api/models/tiny/model"):
            paths = sorted(self.folder.iterdir())
            if "/tree/" in name:
                tree = [{"type": "file", "path": path.name, "size": path.stat().st_size, "oid": SHA} for path in paths]
                return self._send(json.dumps(tree).encode())
            files = [{"rfilename": path.name} for path in paths]
            return self._send(json.dumps({"id": "tiny/model", "sha": SHA, "siblings": files}).encode())
        path = self.folder / name.rpartition("/")[2]
        if not path.is_file():
            return self.send_error(404)
        data = path.read_bytes()
        if path.name == WEIGHTS and self.command == "GET":
            if self.fault == "500":
                return self.send_error(500)
            if self.fault in ("cut", "hang"):
                return self._break_off(data)
        return self._send(data)

    do_HEAD = do_GET

    def _headers(self, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", SHA)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.end_headers()

    def _send(self, data: bytes) -> None:
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self._headers(data[begin:], 206 if begin else 200)
        if self.command == "GET":
            self.wfile.write(data[begin:])

    def _break_off(self, data: bytes) -> None:
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self._headers(data[begin:], 206 if begin else 200)
        self.wfile.write(data[begin : begin + 1000])
        self.wfile.flush()
        if self.fault == "hang":
            self.left.wait(60)
        self.close_connection = True


def main(folder: Path) -> None:
    Hub.folder = folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cache = tempfile.mkdtemp()
    os.environ |= {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}", "HF_HUB_OFFLINE": "0", "HF_HOME": cache,
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1", "HF_HUB_DOWNLOAD_TIMEOUT": "5",
    }  # fmt: skip
    from playground.errors import Cancelled, PlaygroundError
    from playground.library.store import Store
    from playground.services.session import Workbench

    workbench = Workbench(Store(Path(cache) / "vectors"))
    workbench.load_model(str(folder), "cpu")
    told = {}
    for fault in ("cut", "500", "hang", ""):
        Hub.fault, begun = fault, time.monotonic()
        job = workbench.start_loading("tiny/model", "cpu")
        if fault == "hang":
            time.sleep(3)
            begun = time.monotonic()
            job.cancel()
        try:
            job.result(60)
            error = ""
        except (PlaygroundError, Cancelled) as raised:
            error = f"{type(raised).__name__}: {raised}"
        loaded = workbench.loaded
        told[fault] = error, time.monotonic() - begun, None if loaded is None else loaded.name
        if fault == "hang":
            Hub.left.set()
        print(told[fault], file=sys.stderr, flush=True)
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
