"""ASGI middleware around Gradio's application: it refuses what must not reach it, in one sentence each."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qs

from playground.ui.guard import bodies, paths, who
from playground.ui.guard.bodies import Message, Receive, TooLarge
from playground.ui.guard.headers import security_headers
from playground.ui.guard.hosts import Hosts
from playground.ui.guard.readers import Readers
from playground.ui.guard.shares import MB, Shares, Uploads

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_CORS = b"access-control-"


class Refused(Exception):
    """A request is not answered; its text is the sentence for the visitor."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


class Guard:
    """Checks of a request in the order of their cost: path, Host and Origin, size, share.

    `queue` gives Gradio's queue, which knows the events under way; `on_absent` is told of sessions that nobody reads,
    `on_page` of the keys of browsers that ask for the page. `mcp`: there is an MCP server, which takes POST only.
    """

    def __init__(
        self,
        application: Application,
        queue: Callable[[], Any],
        on_absent: Callable[[str], None],
        on_page: Callable[[str], None] = lambda key: None,
        hosts: Hosts | None = None,
        shares: Shares | None = None,
        mcp: bool = False,
    ):
        self._application = application
        self._mcp = mcp
        self._hosts = hosts if hosts is not None else Hosts()
        self._shares = shares if shares is not None else Shares()
        self._headers = security_headers()
        self._on_page = on_page
        self._uploads = Uploads(self._shares)
        self._address_of: dict[str, str] = {}  # session → address it last came from
        self.readers = Readers(queue, on_absent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # the page has none
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": self._mended(scope, headers, message.get("headers", []))}
            await send(message)

        try:
            receive = await self._admitted(scope, headers, receive)
            await self._run(scope, receive, answer)
        except (Refused, TooLarge) as error:
            if started:  # nothing can be said any more
                return
            refusal = error if isinstance(error, Refused) else self._too_large(scope)
            _LOG.info("refused %s %s: %s", scope["method"], scope["path"][:80], refusal)
            await _refuse(answer, refusal)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        watched = None
        if scope["method"] == "GET" and paths.reads(path):
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            watched = self.readers.stream(query.get("session_hash", [path.rpartition("/")[2]])[0])
        elif scope["method"] == "GET" and paths.beats(path):
            watched = self.readers.heartbeat(path.rpartition("/")[2])
        with nullcontext() if watched is None else watched:
            await self._application(scope, receive, send)

    async def _admitted(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """The `receive` of a request that may pass. Raises Refused, and TooLarge."""
        path = _path(scope)
        problem = self._hosts.problem(headers)
        if problem is not None:
            raise Refused(403, problem)
        if not paths.answered(path) and not (self._mcp and paths.is_mcp(path)):
            raise Refused(404, "Expected an address of this page, got another one; go to its start.")
        if paths.is_mcp(path):
            _check_mcp(scope)
        if scope["method"] not in ("POST", "PUT", "PATCH", "DELETE"):
            if path == "/" and (key := who.key_of(headers.get("cookie"))) is not None:
                self._on_page(key)
            return receive
        self.readers.watch()
        address = who.address_of(scope, headers)
        size = bodies.announced(headers)
        if paths.uploads(path):
            return self._admitted_upload(scope, headers, receive, address, size)
        if size is not None and size > self._shares.body:
            raise TooLarge
        body = await bodies.whole(receive, self._shares.body)
        if paths.joins(path):
            self._check_share(body, address)
        return bodies.again(body, receive)

    def _admitted_upload(
        self, scope: Scope, headers: dict[str, str], receive: Receive, address: str, size: int | None
    ) -> Receive:
        most = self._shares.upload
        if size is None:
            raise Refused(411, "Expected an upload that says its size, got one that does not; send Content-Length.")
        if size > most:
            raise TooLarge
        visitor = who.key_of(headers.get("cookie")) or address
        problem = self._uploads.problem(visitor, address, size)
        if problem is not None:
            raise Refused(429, problem)
        self._uploads.add(visitor, address, size)
        return bodies.counted(receive, most)

    def _check_share(self, body: bytes, address: str) -> None:
        """Raises Refused for a session, or an address, that has as many events under way as it may have."""
        session = _session(body)
        pending = self.readers.pending()
        self._address_of = {known: where for known, where in self._address_of.items() if known in pending}
        here: Counter[str] = Counter()
        for known, count in pending.items():
            here[self._address_of.get(known, "")] += count
        shares = self._shares
        if pending.get(session, 0) >= shares.session_events:
            raise Refused(
                429, f"Expected at most {shares.session_events} events at once, got more; wait for those under way."
            )
        if here[address] >= shares.address_events:
            raise Refused(429, "Expected room for another event from this address, got none; try again in a moment.")
        if sum(pending.values()) >= shares.events:
            raise Refused(503, "Expected room for another event, got none: very many visitors; try again in a moment.")
        if session:
            self._address_of[session] = address

    def _too_large(self, scope: Scope) -> Refused:
        most = self._shares.upload if paths.uploads(_path(scope)) else self._shares.body
        return Refused(413, f"Expected at most {most // MB} MB in a request, got more; send less.")

    def _mended(
        self, scope: Scope, request: dict[str, str], headers: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Headers of a response: no other origin is ever allowed, and a browser gets a cookie with the page."""
        ours = {name for name, _ in self._headers}
        kept = [(name, value) for name, value in headers if not name.lower().startswith(_CORS) and name not in ours]
        kept += self._headers
        if scope["method"] == "GET" and _path(scope) == "/" and who.key_of(request.get("cookie")) is None:
            kept.append((b"set-cookie", who.new_cookie(who.is_secure(scope, request)).encode()))
        return kept


def _check_mcp(scope: Scope) -> None:
    """Take the cookie off a request to the MCP server, which would send it on in the one session of all its clients.
    Raises Refused for what is not POST: no stream stays open for a client that asks nothing.
    """
    if scope["method"] != "POST":
        raise Refused(405, f"Expected a POST to the MCP server, got {scope['method']}; use an MCP client.")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]


def _path(scope: Scope) -> str:
    """The path below the one that the page is served at."""
    path: str = scope["path"]
    root = scope.get("root_path") or ""
    return (path.removeprefix(root) or "/") if root and path.startswith(root) else path


def _session(body: bytes) -> str:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    session = sent.get("session_hash") if isinstance(sent, dict) else None
    return session if isinstance(session, str) else ""


async def _refuse(send: Send, refusal: Refused) -> None:
    body = json.dumps({"detail": str(refusal)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
