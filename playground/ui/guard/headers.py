"""Security headers of every response."""

from __future__ import annotations

import os

# Gradio's frontend runs the page's scripts by `new Function` and has inline styles and scripts; nothing else is needed,
# and nothing of another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)
_SPACE_FRAMES = "https://huggingface.co https://*.huggingface.co https://*.hf.space"
"""A Space is shown in a frame of these."""


def security_headers() -> list[tuple[bytes, bytes]]:
    """The headers as ASGI has them."""
    frames = _SPACE_FRAMES if "SPACE_ID" in os.environ else "'self'"
    headers = {
        "content-security-policy": _POLICY + frames,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]
