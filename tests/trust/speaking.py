"""A visitor who speaks to the page's server as its browser part does: events, the queue, streams. No browser needed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
from gradio_client.utils import apply_diff

from playground.ui.kit.event_order import NUMBERED_JS


class Refused(Exception):
    """The server took no event; `status` and its sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(f"{status}: {sentence}")
        self.status, self.sentence = status, sentence


class Speaking:
    """One tab: a session, the cookie of its browser, and the values of all components as the page would show them."""

    def __init__(self, url: str, client: httpx.Client | None = None, timeout: float = 60.0):
        self.url = url.rstrip("/")
        self.client = client if client is not None else httpx.Client(timeout=timeout)
        self.session = secrets.token_hex(6)
        self._sequence = 0
        self.warnings: list[str] = []
        """Messages that the page showed over everything."""

    def open(self) -> Speaking:
        """Ask for the page and what it is made of, and for its state now."""
        answer = self.client.get(f"{self.url}/")
        answer.raise_for_status()
        begun = answer.text.index("window.gradio_config = ") + len("window.gradio_config = ")
        config, _ = json.JSONDecoder().raw_decode(answer.text, begun)
        self.events = config["dependencies"]
        parts = {one["id"]: one["props"] for one in config["components"]}
        self.names = {props["elem_id"]: number for number, props in parts.items() if props.get("elem_id")}
        self.values = {number: props.get("value") for number, props in parts.items()}
        self.props = parts
        for event in self.events:
            if any(target[1] == "load" for target in event["targets"]):
                self.fire(event)
        return self

    def event(self, element: str, kind: str = "click") -> dict[str, Any]:
        """The first event of a component by its elem_id. Raises LookupError."""
        wanted = [self.names[element], kind]
        for one in self.events:
            if wanted in one["targets"]:
                return one
        raise LookupError(f"{element} has no event {kind}")

    def value(self, element: str) -> Any:
        """What a component shows."""
        return self.values[self.names[element]]

    def set(self, element: str, value: Any) -> None:
        """What the visitor types, or picks."""
        self.values[self.names[element]] = value

    def join(self, event: dict[str, Any], data: list[Any] | None = None, event_data: Any = None) -> str:
        """Put an event into the queue; its id. Raises Refused."""
        sent = [self.values[number] for number in event["inputs"]] if data is None else list(data)
        if event.get("js") == NUMBERED_JS:
            self._sequence += 1
            sent[0] = [sent[0], self._sequence]
        body = {"data": sent, "event_data": event_data, "fn_index": event["id"], "trigger_id": None}
        answer = self.client.post(f"{self.url}/gradio_api/queue/join?", json={**body, "session_hash": self.session})
        if answer.status_code != 200:
            raise Refused(answer.status_code, _sentence(answer))
        return str(answer.json()["event_id"])

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the server streams to this session, until nothing is under way."""
        stream = self.client.stream("GET", f"{self.url}/gradio_api/queue/data", params={"session_hash": self.session})
        with stream as answer:
            if answer.status_code != 200:
                answer.read()
                raise Refused(answer.status_code, _sentence(answer))
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    yield message
                    if message["msg"] == "close_stream":
                        return

    def fire(
        self, event: dict[str, Any], data: list[Any] | None = None, event_data: Any = None
    ) -> list[dict[str, Any]]:
        """Run an event to its end, as the page does: the outputs are shown. Returns its messages. Raises Refused."""
        joined = self.join(event, data, event_data)
        seen: list[dict[str, Any]] = []
        so_far: list[Any] = []
        for message in self.messages():
            if message.get("event_id") not in (joined, None):
                continue
            seen.append(message)
            kind, output = message["msg"], message.get("output") or {}
            if kind == "log":
                self.warnings.append(message["log"])
            elif kind == "process_generating" and output.get("data") is not None:
                so_far = [
                    apply_diff(old, new) for old, new in zip(so_far, output["data"], strict=True)
                ] if so_far else output["data"]
                self._show(event, so_far)
            elif kind == "process_completed" and output.get("data") is not None:
                self._show(event, output["data"])
        return seen

    def click(self, element: str, kind: str = "click", event_data: Any = None) -> list[dict[str, Any]]:
        """Run the event of a component to its end."""
        return self.fire(self.event(element, kind), event_data=event_data)

    def now(self, element: str, kind: str = "click") -> httpx.Response:
        """An event that goes past the queue, as Stop does."""
        event = self.event(element, kind)
        data = [self.values[number] for number in event["inputs"]]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session, "event_data": None}
        return self.client.post(f"{self.url}/gradio_api/run/predict", json=body)

    def _show(self, event: dict[str, Any], data: list[Any]) -> None:
        for number, value in zip(event["outputs"], data, strict=True):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" in value:
                    self.values[number] = value["value"]
            else:
                self.values[number] = value


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail"))
    except ValueError:
        return answer.text[:200]
