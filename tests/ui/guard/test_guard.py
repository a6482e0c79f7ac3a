"""guard/guard.py over an ASGI application that counts what reaches it, and a queue like Gradio's."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

from playground.ui.guard.guard import Guard
from playground.ui.guard.shares import Shares, Uploads

JOIN = "/gradio_api/queue/join"


class Behind:
    """The application behind the guard: it reads the body, keeps it, and answers with headers that allow everybody."""

    def __init__(self):
        self.bodies = []

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        headers = [(b"access-control-allow-origin", b"*"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"there"})


def waiting(**pending):
    """Gradio's queue with these sessions' events under way."""
    return SimpleNamespace(
        pending_event_ids_session={session: set(range(count)) for session, count in pending.items()},
        pending_messages_per_session={},
        event_ids_to_events={},
        stopped=True,
    )


def ask(guard, path=JOIN, body=b"{}", method="POST", parts=1, **headers):
    """(status, text, headers) of a request from 10.0.0.7."""
    sent, size = [], -(-len(body) // parts) or 1
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]

    async def receive():
        part = chunks.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(chunks)}

    async def send(message):
        sent.append(message)

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"host": "localhost", "content-length": str(len(body)), **named}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "client": ("10.0.0.7", 1),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in given.items() if value is not None],
    }
    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode(), dict(sent[0]["headers"])


def guarded(queue=None, **limits):
    behind = Behind()
    return Guard(behind, lambda: queue or waiting(), lambda session: None, shares=Shares(**limits)), behind


def test_what_may_pass_passes_whole_and_in_order():
    guard, behind = guarded()
    assert ask(guard, body=b'{"a": 1}', parts=3)[:2] == (200, "there")
    assert behind.bodies == [b'{"a": 1}']


def test_no_origin_is_ever_allowed_and_every_response_has_the_security_headers():
    for path in ("/", "/nothing-here"):
        headers = ask(guarded()[0], path, method="GET")[2]
        assert not [name for name in headers if name.startswith(b"access-control")]
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert b"default-src 'self'" in headers[b"content-security-policy"]


def test_a_browser_gets_a_key_with_the_page_once():
    first = ask(guarded()[0], "/", method="GET")[2][b"set-cookie"].decode()
    assert "HttpOnly; SameSite=Lax" in first
    assert b"set-cookie" not in ask(guarded()[0], "/", method="GET", cookie=first.partition(";")[0])[2]
    secure = ask(guarded()[0], "/", method="GET", x_forwarded_proto="https")[2][b"set-cookie"]
    assert b"SameSite=None; Secure" in secure


@pytest.mark.parametrize(
    "path",
    [
        *("/monitoring", "/gradio_api/proxy=http://a", "/gradio_api/vibe-edit", "/gradio_api/runs", "/x"),
        *("/gradio_api/call/v2/generate", "/gradio_api/mcp/"),
    ],
)
def test_addresses_that_the_page_does_not_use_are_not_there(path):
    guard, behind = guarded()
    assert ask(guard, path)[0] == 404
    assert not behind.bodies


@pytest.mark.parametrize("length", ["9000", None])
def test_a_body_is_refused_by_its_size_before_it_is_parsed(length):
    guard, behind = guarded(body=8000)
    status, said, _ = ask(guard, body=b"x" * 9000, parts=4, content_length=length)
    assert (status, json.loads(said)["detail"][:8]) == (413, "Expected")
    assert not behind.bodies


def test_a_session_has_a_share_of_the_events_and_others_still_join():
    guard, _ = guarded(waiting(me=3, other=1), session_events=3)
    status, said, _ = ask(guard, body=b'{"session_hash": "me"}')
    assert status == 429
    assert "wait for those under way" in said
    assert ask(guard, body=b'{"session_hash": "other"}')[0] == 200


def test_one_address_with_many_sessions_leaves_room_for_others():
    queue = waiting()
    guard, _ = guarded(queue, address_events=2)
    for session in "abc":
        status = ask(guard, body=json.dumps({"session_hash": session}).encode())[0]
        assert status == (429 if session == "c" else 200)
        queue.pending_event_ids_session[session] = {1}
    elsewhere = ask(guard, body=b'{"session_hash": "d"}', x_forwarded_for="203.0.113.5")
    assert elsewhere[0] == 200


def test_uploads_have_a_size_and_a_share():
    guard, behind = guarded(upload=100, visitor_uploads=150)
    upload = "/gradio_api/upload"
    assert ask(guard, upload, b"x" * 101)[0] == 413
    assert ask(guard, upload, b"x", content_length=None)[0] == 411
    assert ask(guard, upload, b"x" * 90)[0] == 200
    assert ask(guard, upload, b"x" * 90)[0] == 429
    assert ask(guard, upload, b"x" * 200, content_length="10", x_forwarded_for="203.0.113.5")[0] == 413
    assert len(behind.bodies) == 1


def test_uploads_are_forgotten_after_a_day():
    now = [0.0]
    uploads = Uploads(Shares(visitor_uploads=10), clock=lambda: now[0])
    uploads.add("me", "here", 10)
    assert uploads.problem("me", "here", 1) is not None
    now[0] = 25 * 3600.0
    assert uploads.problem("me", "here", 1) is None


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'{"session_hash": 5}', b"[" * 100_000, b"\xff\xfe"])
def test_bodies_that_are_not_what_gradio_sends_are_left_to_it(body):
    assert ask(guarded()[0], body=body)[0] == 200
