"""Identity of a sender: the key in the cookie of the browser, and the address."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

COOKIE = "playground-visitor"
KEPT = 24 * 3600
"""Seconds for which a browser keeps the cookie."""
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def key_of(cookie: str | None) -> str | None:
    """The visitor's key in a Cookie header; None where there is none that could be ours."""
    try:
        morsel = SimpleCookie(cookie or "").get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and _KEY.fullmatch(morsel.value) else None


def new_cookie(secure: bool) -> str:
    """A Set-Cookie header with a key nobody can guess. In a frame of another site, as on a Space, it needs `secure`."""
    site = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={KEPT}; HttpOnly; {site}"


def sender(request: Any) -> tuple[str | None, str | None]:
    """(key of the browser, address) of a gr.Request; (None, None) where it is none of a browser, as in tests."""
    sent = getattr(request, "request", None)
    if sent is None or getattr(sent, "scope", None) is None:
        return None, None
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return key_of(headers.get("cookie")), address_of(sent.scope, headers)


def address_of(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The address a request came from; behind a proxy of this network the one that the proxy names."""
    client = scope.get("client")
    address = str(client[0]) if client else "unknown"
    forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        behind = ipaddress.ip_address(address).is_private
        return str(ipaddress.ip_address(forwarded)) if behind and forwarded else address
    except ValueError:
        return address


def is_secure(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Whether the browser speaks https, with this server or with a proxy before it."""
    return "https" in (scope.get("scheme"), headers.get("x-forwarded-proto", "").partition(",")[0].strip())
