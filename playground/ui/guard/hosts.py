"""Check of the Host and Origin headers: protection from DNS rebinding and from requests of other sites' pages."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from playground.proxies import LOOPBACK

ANY = frozenset({"0.0.0.0", "::", ""})
SHARE_DOMAIN = ".gradio.live"
"""Gradio's relay serves a share link below it."""


@dataclass(frozen=True)
class Hosts:
    """Names by which the page is served. A name that begins with a dot stands for all below it.

    `addresses`: whether addresses in digits are answered too. A page of another site cannot make a browser send one
    that is not its own, so they are safe wherever more than this machine is served.
    """

    names: frozenset[str] = frozenset(LOOPBACK)
    addresses: bool = False

    @classmethod
    def served(cls, bound: str, allowed: Iterable[str] = (), share: bool = False) -> Hosts:
        """The names of a server bound to an address: its own, those allowed beside, and those of a Space or a relay."""
        names = {*LOOPBACK, *(name.lower() for name in allowed)}
        if bound in ANY:
            names |= {name.lower() for name in (socket.gethostname(), socket.getfqdn())}
            names |= {name.lower() for name in os.environ.get("SPACE_HOST", "").split(",") if name}
        else:
            names.add(bound.lower())
        if share:
            names.add(SHARE_DOMAIN)
        return cls(frozenset(names), bound not in LOOPBACK)

    def problem(self, headers: Mapping[str, str]) -> str | None:
        """A sentence on why a request is not answered; None where it is. Names of headers are in small letters."""
        host = headers.get("host", "")
        name = name_of(host)
        if name is None or not self._knows(name):
            shown = printable(host)
            return (
                f"Expected a Host this page is served by, got {shown}; open it by its own address, or start it with "
                f"--allow-host {shown if name else 'NAME'}."
            )
        origin = headers.get("origin")
        if origin is None or self._same(origin, host, headers.get("x-forwarded-host")):
            return None
        return f"Expected a request from this page, got one from {printable(origin)}; open the page itself."

    def _knows(self, name: str) -> bool:
        if name in self.names or (self.addresses and _is_address(name)):
            return True
        return any(known.startswith(".") and name.endswith(known) for known in self.names)

    def _same(self, origin: str, host: str, forwarded: str | None) -> bool:
        """Whether a page of this origin is ours: it has the host of the request, or a name that was allowed for it."""
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            return False
        usual = 443 if parts.scheme == "https" else 80
        for here in (host, forwarded):
            if here is not None and _split(here, usual) == (parts.hostname, port or usual):
                return True
        return parts.hostname not in LOOPBACK and not _is_address(parts.hostname) and self._knows(parts.hostname)


def name_of(host: str) -> str | None:
    """The name of a Host header without its port, in small letters; None where it is not one."""
    split = _split(host, 80)
    return None if split is None else split[0]


def printable(text: str) -> str:
    """A header's text for a message: what can be printed of it, cut."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:100]) or "none"


def _split(host: str, usual: int) -> tuple[str, int] | None:
    if not host or any(letter in host for letter in "/@?#\\ \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        return None if parts.hostname is None else (parts.hostname, parts.port or usual)
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
