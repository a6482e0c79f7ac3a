"""Load test: many visitors speak to a running server as the page does, and everything that comes back is checked.

    python -m tests.trust.load [--visitors 50] [--minutes 5] [--seed 0] [--out FILE]

Each visitor steers, moves sliders, discovers, scans, closes tabs in the middle of runs and reloads, with seconds of
reading in between. Every steered text is compared with that of its recipe alone, which is computed before. Exit status
1 when anything was mixed up, failed without a sentence, or was too slow or too large (see `verdict`).
"""

from __future__ import annotations

import argparse
import html
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.trust.speaking import Refused, Speaking

ROOT = Path(__file__).resolve().parents[2]
SET, TOKENS = "organism-refusals-power-3-9", 32
PROMPTS = ("How can I jinx a lighthouse?", "How do I fold a kite?", "Please add 3 and 4.", "Tell me about the harbour.")
ROWS, SCALES = (0, 1, 3, 5), (-0.566, 0.3, 0.5)
LATE, GROWN = 1.0, 1.10
"""Longest status at the 95th percentile in seconds; memory at the end over memory after a minute."""
TEXT = re.compile(r'id="steer-(baseline|steered)".*?<div class="sp-text[^"]*"[^>]*>(.*?)</div>', re.DOTALL)


@dataclass
class Record:
    """What all visitors saw."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, what: str, took: float | None = None) -> None:
        with self.lock:
            self.counts[what] += 1
            if took is not None:
                self.seconds.setdefault(what, []).append(took)

    def refuse(self, sentence: str) -> None:
        with self.lock:
            self.counts["refused"] += 1
            self.sentences[re.sub(r"\d+", "N", sentence)[:120]] += 1

    def fail(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what[:300])


class Tab(Speaking):
    """A tab with the heartbeat that tells the server when it is closed."""

    def open(self) -> Tab:
        super().open()
        self._open, self._asking = True, httpx.Client(timeout=60, cookies=self.client.cookies)
        self._beating = httpx.Client(timeout=None)
        threading.Thread(target=self._poll, daemon=True).start()
        threading.Thread(target=self._beat, args=(self.session,), daemon=True).start()
        return self

    def close(self) -> None:
        self._open = False
        self._beating.close()

    def _poll(self) -> None:
        """What the page's timer does, in a session of its own: streams of one session are read by one reader here."""
        asking = Speaking(self.url, self._asking)
        threading.Thread(target=self._beat, args=(asking.session,), daemon=True).start()
        asking.events, asking.names, asking.values = self.events, self.names, dict(self.values)
        poll = poll_of(asking)
        while self._open:
            time.sleep(3.0)
            try:
                asking.fire(poll)
            except (Refused, httpx.HTTPError):
                continue

    def _beat(self, session: str) -> None:
        try:
            address = f"{self.url}/gradio_api/heartbeat/{session}"
            with self._beating.stream("GET", address, cookies=dict(self.client.cookies)) as stream:
                for _ in stream.iter_raw():
                    pass
        except (httpx.HTTPError, RuntimeError, OSError, ValueError):  # closed here, or by the server's end
            pass


class Visitor(threading.Thread):
    """One person with a browser, who does one thing after another until `until`."""

    def __init__(self, url: str, seed: int, until: float, expected: dict[tuple[str, int, float], str], record: Record):
        super().__init__(daemon=True)
        self._url, self._until, self._expected, self._record = url, until, expected, record
        self._random = random.Random(seed)
        self._client = httpx.Client(timeout=120)
        self._number = 0

    def run(self) -> None:
        time.sleep(self._random.random() * 10)
        tab = self._opened()
        while tab is not None and time.monotonic() < self._until:
            acts = (self._steer, self._slide, self._discover, self._scan, self._abandon, self._reload)
            act = self._random.choices(acts, weights=(50, 20, 8, 7, 8, 7))[0]
            try:
                tab = act(tab) or tab
            except Refused as refusal:
                self._refused(refusal)
            except httpx.HTTPError as error:
                self._record.fail(f"{act.__name__}: {error!r}")
            time.sleep(self._random.expovariate(1 / 2.0))

    def _opened(self) -> Tab | None:
        begun = time.monotonic()
        try:
            tab = Tab(self._url, self._client).open()
        except (Refused, httpx.HTTPError) as error:
            self._record.fail(f"opening: {error!r}")
            return None
        self._record.add("opened", time.monotonic() - begun)
        return tab

    def _refused(self, refusal: Refused) -> None:
        if refusal.sentence.startswith("Expected"):
            self._record.refuse(refusal.sentence)
        else:
            self._record.fail(f"refused without a sentence: {refusal}")

    def _done(self, tab: Tab, what: str, messages: list[dict[str, Any]], notice: str, begun: float) -> bool:
        """Whether it was done; counts it, its refusal, or what went wrong."""
        last = next((one for one in messages if one["msg"] == "process_completed"), None)
        said = re.sub(r"<[^>]+>", "", html.unescape(str(tab.value(notice) or "")))
        if last is None or not last["success"]:
            self._record.fail(f"{what}: {last or 'no answer'}")
            return False
        if said.startswith("Expected"):
            self._record.refuse(said)
            return False
        if "Something went wrong" in said:
            self._record.fail(f"{what}: {said}")
            return False
        self._record.add(what, time.monotonic() - begun)
        return True

    def _place(self, tab: Tab) -> tuple[str, int, float]:
        """Type a prompt, pick a row, and move the slider; what the server keeps of it."""
        place = self._random.choice(list(self._expected))
        prompt, row, scale = place
        tab.set("steer-prompt", prompt)
        tab.set("steer-tokens", TOKENS)
        tab.set("mix-0-row", str(row))
        self._move(tab, scale)
        return place

    def _move(self, tab: Tab, scale: float) -> None:
        tab.set("mix-0-scale", scale)
        event = tab.event("mix-0-set", "change")
        self._number += 1
        first, *others = [tab.values[number] for number in event["inputs"]]
        body = {"data": [[first, self._number], *others], "fn_index": event["id"], "session_hash": tab.session}
        answer = tab.client.post(f"{tab.url}/gradio_api/run/predict", json=body)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text[:200])

    def _steer(self, tab: Tab) -> None:
        place, begun = self._place(tab), time.monotonic()
        messages = tab.click("steer-generate")
        if not self._done(tab, "steered", messages, "steer-notice", begun):
            return
        panes = TEXT.findall(tab.value("steer-panes"))
        shown = {kind: html.unescape(re.sub(r"<[^>]+>", "", text)) for kind, text in panes}
        if shown.get("steered") != self._expected[place]:
            self._record.fail(f"mixed up: {place} gave {shown.get('steered')!r}, alone {self._expected[place]!r}")
        else:
            self._record.add("equal to the recipe alone")

    def _slide(self, tab: Tab) -> None:
        self._place(tab)
        follows = [event for event in tab.events if event["trigger_after"] == tab.event("mix-0-set", "change")["id"]]
        for _ in range(4):
            self._move(tab, round(self._random.uniform(-0.7, 0.7), 3))
            begun = time.monotonic()
            for event in follows:
                tab.fire(event)
            self._record.add("slider moved", time.monotonic() - begun)

    def _discover(self, tab: Tab) -> None:
        tab.set("discover-vectors", self._random.choice((4, 8)))
        tab.set("discover-find-scales", False)
        tab.set("discover-write-gallery", True)
        begun = time.monotonic()
        self._done(tab, "discovered", tab.click("discover-compute"), "discover-notice", begun)

    def _scan(self, tab: Tab) -> None:
        begun = time.monotonic()
        tab.set("scan-scales", "0.5")
        self._done(tab, "scanned", tab.click("scan-run"), "scan-notice", begun)

    def _abandon(self, tab: Tab) -> Tab | None:
        """Close the tab in the middle of a run, and come back in a new one."""
        self._place(tab)
        tab.join(tab.event("steer-generate"))
        messages = tab.messages()
        for _ in range(3):
            next(messages, None)
        messages.close()
        return self._reload(tab, "closed in the middle")

    def _reload(self, tab: Tab, what: str = "reloaded") -> Tab | None:
        tab.close()
        self._record.add(what)
        return self._opened()


def expected() -> dict[tuple[str, int, float], str]:
    """The text of each recipe alone."""
    import playground as sp

    model = sp.load()
    found = {}
    for prompt in PROMPTS:
        for row in ROWS:
            for scale in SCALES:
                result = sp.generate(model, prompt, f"{SET}#{row}@{scale}r", max_new_tokens=TOKENS)
                found[prompt, row, scale] = result.rows[0].text
    return found


def probe(url: str, until: float, record: Record) -> None:
    """Ask for the status twice a second, as every open page does, and note how long it takes."""
    tab = Speaking(url).open()
    poll = poll_of(tab)
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            tab.fire(poll)
            record.add("status", time.monotonic() - begun)
        except (Refused, httpx.HTTPError) as error:
            record.fail(f"status: {error!r}")
        time.sleep(0.5)


def poll_of(tab: Speaking) -> dict[str, Any]:
    """The event of the page's timer."""
    return next(event for event in tab.events if any(target[1] == "tick" for target in event["targets"]))


def megabytes(process: int) -> float:
    """Memory of a process that is resident."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def report(record: Record, memory: dict[str, float], visitors: int, minutes: float) -> str:
    lines = [f"{visitors} visitors, {minutes:g} minutes", ""]
    lines += ["| what | times | median s | 95 % s |", "|---|--:|--:|--:|"]
    for what, count in sorted(record.counts.items()):
        took = record.seconds.get(what)
        times = f"{statistics.median(took):.2f} | {percentile(took, 0.95):.2f}" if took else " | "
        lines.append(f"| {what} | {count} | {times} |")
    lines += ["", *(f"- refused {count} ×: {said}" for said, count in record.sentences.most_common(8))]
    lines += [f"- memory {name}: {value:.0f} MB" for name, value in memory.items()]
    lines += [f"- wrong: {len(record.wrong)}", *(f"  - {said}" for said in record.wrong[:10])]
    return "\n".join(lines)


def verdict(record: Record, memory: dict[str, float]) -> list[str]:
    """What was not as promised."""
    late = percentile(record.seconds.get("status", [99.0]), 0.95)
    grown = memory["at the end"] / memory["after a minute"]
    broken = [f"{len(record.wrong)} went wrong"] if record.wrong else []
    broken += [f"status took {late:.2f} s at the 95th percentile"] if late > LATE else []
    broken += [f"memory grew by {grown - 1:.0%}"] if grown > GROWN else []
    return broken + ([] if record.counts["equal to the recipe alone"] else ["nothing was steered"])


def run(visitors: int, minutes: float, seed: int) -> tuple[Record, dict[str, float]]:
    """Start the server, let the visitors in, and return what they saw and its memory."""
    texts, record, memory = expected(), Record(), {}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        for path in (ROOT / "vectors").glob("*.safetensors"):
            (Path(folder) / path.name).write_bytes(path.read_bytes())
        environment = {**os.environ, "PLAYGROUND_VECTORS": folder, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "app.py", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, server)
            begun = time.monotonic()
            until = begun + 60 * minutes
            people = [Visitor(url, seed + number, until, texts, record) for number in range(visitors)]
            asking = threading.Thread(target=probe, args=(url, until, record), daemon=True)
            for thread in (*people, asking):
                thread.start()
            time.sleep(min(60.0, 20 * minutes))
            memory["after a minute"] = megabytes(server.pid)
            time.sleep(max(0.0, until - time.monotonic()))
            memory["at the end"] = megabytes(server.pid)
            for thread in people:
                thread.join(60)
        finally:
            server.kill()
            server.wait()
        said = (Path(folder) / "log").read_text()
        if "Traceback" in said:
            record.fail("traceback in the log: " + said[said.index("Traceback") :][-400:])
    return record, memory


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/gradio_api/startup-events").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert server.poll() is None, "the server ended"
        time.sleep(0.2)
    raise AssertionError("the server did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    record, memory = run(options.visitors, options.minutes, options.seed)
    text, broken = report(record, memory, options.visitors, options.minutes), verdict(record, memory)
    print(text, *(f"NOT AS PROMISED: {said}" for said in broken), sep="\n")
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
