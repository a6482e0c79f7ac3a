"""Paths that are answered: those of Gradio's that the page uses. The others are features it does not have."""

from __future__ import annotations

import re

API = "/gradio_api"
_PAGE = r"/(config|favicon\.ico|theme\.css|robots\.txt|manifest\.json|login|logout|pwa_icon(/\d+)?)?/?"
_FILES = r"/(assets|static|svelte)/.*"
_CALLS = (
    rf"{API}/(queue/join|queue/data|cancel|reset|upload|upload_progress|startup-events|login_check|user|app_id|info"
    r"|theme\.css|heartbeat/[^/]+|file=.+|call/(?!v2/).+|run/[^/]+)/?"
)
_ANSWERED = re.compile(f"(?:{_PAGE}|{_FILES}|{_CALLS})", re.DOTALL)


def answered(path: str) -> bool:
    """Whether anything is at this path."""
    return _ANSWERED.fullmatch(path) is not None


def is_mcp(path: str) -> bool:
    """Whether the MCP server is at this path, where there is one."""
    return path.rstrip("/") == f"{API}/mcp"


def joins(path: str) -> bool:
    """Whether a POST to this path puts an event into Gradio's queue."""
    return path.startswith((f"{API}/queue/join", f"{API}/call/"))


def uploads(path: str) -> bool:
    """Whether a POST to this path leaves files on the server."""
    return path.rstrip("/") == f"{API}/upload"


def beats(path: str) -> bool:
    """Whether a GET of this path is the heartbeat of an open page."""
    return path.startswith(f"{API}/heartbeat/")


def reads(path: str) -> bool:
    """Whether a GET of this path is a stream of what events say."""
    return path.startswith((f"{API}/queue/data", f"{API}/call/"))
