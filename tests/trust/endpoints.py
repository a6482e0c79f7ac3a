"""The page as an attacker meets it: raw HTTP to every event with every field out of range, of a wrong type, or long.

`python -m tests.trust.endpoints` sends everything and prints what was wrong; the test sends a sample.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.trust.serving import served

NUMBERS = ("number", "slider")
HUGE, LONG = 10**9, "kite " * 200_000
BAD: tuple[Any, ...] = (HUGE, -1, math.nan, str(HUGE), "many", [7], None, {"a": 1}, True, 10**400)
BAD_JSON: tuple[Any, ...] = (*BAD, "", "/etc/passwd", "a#0@1", ["/etc/passwd"], [math.nan, 10**400], [[[]]], [])
"""For parameters of the named endpoints, which take lists and objects too."""
PATIENCE = 1.5
"""Seconds after which a job that a bad value was not refused for is stopped."""
BOUND = 20.0
"""Seconds within which every event is answered, on a slow machine."""
MOST_MEMORY = 500.0
"""MB that all attacks together may take beyond what the page has."""
GRADIO = (
    r"Value -?[\w.+]+ is (greater|less) than (maximum|minimum) value [\w.+-]+\.",
    r"Value: .{0,200} is not in the list of choices: .*",
    r"Value: .{0,200} \(type: <class '\w+'>\) is not in the list of choices: .*",
)
"""Sentences of Gradio's own components about a value that the page cannot send."""
LEAK = re.compile(r"Traceback|\w+Error\b|<class '|object at 0x|File \"/|not supported between")


@dataclass
class Answer:
    """What came back for one event."""

    success: bool
    messages: list[str]
    text: str
    seconds: float
    data: Any = None


@dataclass
class Page:
    """The page in this process, and one visitor who speaks HTTP to it."""

    url: str
    config: dict[str, Any]
    log: io.StringIO
    session: str = "attacker"
    sequence: int = 0
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    parameters: dict[int, str] = field(default_factory=dict)
    """Components that stand for the parameters of named endpoints, with their names, such as generate.prompts."""

    def __post_init__(self) -> None:
        asked = self.client.get(f"{self.url}/gradio_api/info").json()["named_endpoints"]
        for event in self.events:
            if (known := asked.get(f"/{event['api_name']}")) is not None:
                names = [f"{event['api_name']}.{one['parameter_name']}" for one in known["parameters"]]
                self.parameters |= dict(zip(event["inputs"], names, strict=True))

    @property
    def components(self) -> dict[int, dict[str, Any]]:
        return {one["id"]: one for one in self.config["components"]}

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events with a handler on the server, but for leaving and those whose answer is another model."""
        return [one for one in self.config["dependencies"] if one["backend_fn"] and one["api_name"] != "on_leave"]

    def named(self, element: str) -> dict[str, Any]:
        """The event that a click on an element starts."""
        ids = {one["id"] for one in self.config["components"] if one["props"].get("elem_id") == element}
        return next(one for one in self.events if any(target[0] in ids for target in one["targets"]))

    def element(self, number: int) -> str:
        if number in self.parameters:
            return self.parameters[number]
        return str(self.components[number]["props"].get("elem_id") or number)

    def values(self, event: dict[str, Any], changes: dict[str, Any] | None = None) -> list[Any]:
        """The values with which the page opens, some of them changed."""
        parts = [self.components[number] for number in event["inputs"]]
        values = [None if part["type"] in _EMPTY else part["props"].get("value") for part in parts]
        for place, number in enumerate(event["inputs"]):
            values[place] = USUAL.get(self.parameters.get(number, ""), values[place])
            if changes and self.element(number) in changes:
                values[place] = changes[self.element(number)]
        if "spSequence" in (event["js"] or ""):
            self.sequence += 1
            values[0] = [values[0], self.sequence]
        return values

    def send(
        self, event: dict[str, Any], values: list[Any], event_data: Any = None, patience: float = PATIENCE
    ) -> Answer:
        """Join the queue and read the stream to its end; a job that goes on for longer than `patience` is stopped."""
        begun = time.monotonic()
        body = {"data": values, "fn_index": event["id"], "session_hash": self.session, "event_data": event_data}
        body |= {"trigger_id": event["targets"][0][0] if event["targets"] else None}
        if not event["queue"]:
            got = self.client.post(f"{self.url}/gradio_api/run/predict", content=json.dumps(body), headers=_JSON)
            return Answer(got.is_success, _messages(got), got.text, time.monotonic() - begun)
        joined = self.client.post(f"{self.url}/gradio_api/queue/join", content=json.dumps(body), headers=_JSON)
        if not joined.is_success:
            return Answer(False, _messages(joined), joined.text, time.monotonic() - begun)
        return self._read(begun, patience)

    def stop(self) -> None:
        """The Stop button."""
        self.send(self.named("stop"), [])

    def _read(self, begun: float, patience: float) -> Answer:
        messages, texts, success, data, stopped = [], [], False, None, False
        address = f"{self.url}/gradio_api/queue/data?session_hash={self.session}"
        with self.client.stream("GET", address) as stream:
            for line in stream.iter_lines():
                if time.monotonic() - begun > patience and not stopped:
                    stopped = True
                    self.stop()
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                texts.append(line)
                if message["msg"] == "log":
                    messages.append(str(message["log"]))
                if message["msg"] == "process_completed":
                    success, output = message["success"], message["output"]
                    data = output.get("data")
                    messages += [str(output["error"])] if output.get("error") else []
                    break
                if message["msg"] in ("unexpected_error", "close_stream"):
                    messages.append(str(message.get("message")))
                    break
        return Answer(success, messages, "\n".join(texts), time.monotonic() - begun, data)


USUAL: dict[str, Any] = {
    "find.method": "melbo", "find.source": 0, "find.target": 2, "find.prompts": ["Hello"],
    "generate.prompts": ["Hello"], "generate.recipes": ["organism-refusals-power-3-9#0@1"],
    "measure.analysis": "replies", "measure.prompt_set": "organism-oversight", "measure.count": 2,
    "measure.vectors": ["organism-refusals-power-3-9"], "measure.rows": ["0-3"], "measure.max_new_tokens": 8,
    "scan.vectors": "organism-refusals-power-3-9", "scan.prompts": ["Hello"], "scan.rows": "0-3",
    "atlas.prompts": ["Hello"],
}  # fmt: skip
"""Values of parameters with which an endpoint runs, and not for long."""
_EMPTY = ("state", "file", "uploadbutton")
_JSON = {"content-type": "application/json"}


def _messages(got: httpx.Response) -> list[str]:
    return [] if got.is_success else [got.text[:2000]]


@contextlib.contextmanager
def serving() -> Iterator[Page]:
    """The page over the shipped model and a copy of the shipped sets; what the server logs is kept."""
    log = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(log), served(Path(folder)) as (url, _):
        visitor = Page(url, httpx.get(f"{url}/config").json(), log)
        visitor.send(next(one for one in visitor.events if one["api_name"].startswith("on_open")), [None, None])
        yield visitor


@dataclass(frozen=True)
class Attack:
    """One field of one event, and the value that is sent in it."""

    event: int
    element: str
    value: Any
    others: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"event {self.event}: {self.element} = {str(self.value)[:20]}"


CONTEXT = {
    "discover-melbo": ("discover-method", "MELBO"),
    "discover-ortho": ("discover-method", "MELBO-ortho"),
    "measure-samples": ("measure-kind", "Replies"),
    "measure-temperature": ("measure-kind", "Replies"),
    "measure-new-tokens": ("measure-kind", "Replies"),
    "measure-patterns": ("measure-kind", "Replies"),
    "measure-followed": ("measure-kind", "Next token"),
    "measure-one": ("measure-kind", "Next token"),
    "discover-typed": ("discover-prompts", "typed"),
}
"""Another choice on the page under which a field is read, by the beginning of its element."""


ACTS = (
    *("steer", "star", "point", "page", "open", "load", "label", "discard", "turn", "sort", "reset", "remove"),
    *("preset", "note", "group", "edit", "delete"),
)
"""What elements of the page's boards do when they are clicked."""
DATA = ("row", "sample", "index", "entry", "value", "sequence", "sign", "key", "pane", "scale", "number", "name")
"""Data of such a click, which are texts with numbers in them."""


def attacks(page: Page) -> Iterator[Attack]:
    """Every field of every event: numbers, and texts that hold them, with each bad value; each text once too long.

    Events with one handler and the same fields count once, and so do rows of the mixer.
    """
    seen = set()
    for event in page.events:
        names = tuple(re.sub(r"mix-\d", "mix", page.element(number)) for number in event["inputs"])
        handler = (re.sub(r"_\d+$", "", event["api_name"]), names)
        if handler in seen:
            continue
        seen.add(handler)
        for number in event["inputs"]:
            part, element = page.components[number], page.element(number)
            others = tuple(other for begin, other in CONTEXT.items() if element.startswith(begin))
            texts = part["type"] == "textbox"
            for value in BAD if part["type"] in NUMBERS or texts else ():
                yield Attack(event["id"], element, value, others)
            for value in BAD_JSON if number in page.parameters else ():
                yield Attack(event["id"], element, value)
            if texts or number in page.parameters:
                yield Attack(event["id"], element, LONG, others)
        for act in ACTS if event["collects_event_data"] else ():
            for value in BAD:
                yield Attack(event["id"], f"act {act}", value)


def wrong(page: Page, attack: Attack, patience: float = PATIENCE) -> str | None:
    """What is wrong with the answer to an attack; None when it was answered as it should."""
    event = next(one for one in page.events if one["id"] == attack.event)
    logged = len(page.log.getvalue())
    act = attack.element.removeprefix("act ") if attack.element.startswith("act ") else None
    clicked = None if act is None else {"act": act, **dict.fromkeys(DATA, attack.value)}
    values = page.values(event, {**dict(attack.others), attack.element: attack.value})
    answer = page.send(event, values, clicked, patience)
    said = page.log.getvalue()[logged:]
    for message in answer.messages:
        if LEAK.search(message) and not any(re.fullmatch(known, message, re.DOTALL) for known in GRADIO):
            return f"the message {message[:300]!r}"
        if len(message) > 1000:
            return f"a message of {len(message)} characters: {message[:200]!r}"
    if LEAK.search(said):
        return f"in the log: …{said[-600:]}"
    if "Something went wrong inside" in answer.text:
        return "an apology"
    if not answer.success and not answer.messages:
        return f"no answer: {answer.text[-300:]}"
    return f"{answer.seconds:.1f} s" if answer.seconds > BOUND else None


def sample(every: list[Attack]) -> list[Attack]:
    """One value for every field of every event, another from field to field, one text that is too long, and a third of
    the clicks.
    """
    fields: dict[tuple[int, str], list[Attack]] = {}
    for attack in every:
        fields.setdefault((attack.event, attack.element), []).append(attack)
    one_each = [values[place % len(values)] for place, values in enumerate(fields.values())]
    chosen = [one for place, one in enumerate(one_each) if place % 3 == 0 or not one.element.startswith("act ")]
    longest = {attack.element: attack for attack in every if attack.value is LONG}
    return [*chosen, *longest.values()]


def generated(page: Page) -> list[str]:
    """The texts of a Generate with the values with which the page opens, and its command."""
    event = page.named("steer-generate")
    return re.findall(r'data-copy=\\"(.*?)\\"', page.send(event, page.values(event), patience=BOUND).text)


def prepare(page: Page) -> None:
    """Give the visitor found vectors, a scan and a measurement, so that what shows them can be attacked too."""
    for element in ("discover-compute", "scan-run", "measure-measure"):
        event = page.named(element)
        page.send(event, page.values(event), patience=BOUND)


def begin_peak() -> float:
    """Memory of this process in MB, from which `peak` counts on. Linux keeps the peak, and can forget it."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def peak() -> float:
    """The largest memory of this process since `begin_peak`, in MB."""
    return _memory("VmHWM")


def _memory(field: str) -> float:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(lines[field].split()[0]) / 1024


def run(
    page: Page, chosen: Iterable[Attack], report: Callable[[str], object] = len, patience: float = PATIENCE
) -> tuple[int, list[str]]:
    """(number of attacks, what was wrong); `report` gets a line for each that is wrong or slow."""
    count, found = 0, []
    for attack in chosen:
        count += 1
        begun = time.monotonic()
        problem = wrong(page, attack, patience)
        if problem:
            found.append(f"{attack}: {problem}")
            report(found[-1])
        elif time.monotonic() - begun > _SLOW:
            report(f"({attack}: {time.monotonic() - begun:.1f} s)")
    return count, found


_SLOW = 3.0


def main() -> int:
    begun = time.monotonic()
    with serving() as page:
        prepare(page)
        before = generated(page)
        memory = begin_peak()
        count, found = run(page, attacks(page), lambda line: print(line, flush=True))
        more, same = peak() - memory, generated(page) == before
    print(f"{count} attacks, {len(found)} wrong, {time.monotonic() - begun:.0f} s, {more:.0f} MB more")
    print("a text is as before" if same else "a text is NOT as before")
    return int(bool(found) or not same or more > MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
