"""Bodies of requests, held to a size before anything parses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class TooLarge(Exception):
    """A body is larger than it may be."""


def announced(headers: Mapping[str, str]) -> int | None:
    """The size in bytes that a request announces; None where it does not."""
    try:
        return max(0, int(headers["content-length"]))
    except (KeyError, ValueError):
        return None


async def whole(receive: Receive, most: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it has more bytes than `most`, and keeps none of the rest."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, and then what comes after it."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def counted(receive: Receive, most: int) -> Receive:
    """A `receive` that raises TooLarge once more than `most` bytes came through it."""
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise TooLarge
        return message

    return counting
