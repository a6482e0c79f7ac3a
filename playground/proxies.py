"""Proxy variables of the environment: requests to this machine pass them by, and unusable ones are dropped."""

from __future__ import annotations

import logging
import os

_LOG = logging.getLogger(__name__)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine."""


def spare_this_machine(host: str) -> None:
    """Exempt this machine, and the address that is served, from every proxy of the environment.

    Gradio asks its own server whether it is up, through the proxy if there is one. Call it before Gradio is imported.
    A proxy that the HTTP client cannot use (SOCKS without the package socksio, an unknown scheme) would end every
    request with an error, so its variables are removed, which is logged.
    """
    import httpx

    exempt = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in exempt.split(",") if name.strip()]
    joined = ",".join(dict.fromkeys([*names, *LOOPBACK, host]))
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = joined
    for name in [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]:
        try:
            httpx.Client(proxy=_with_scheme(os.environ[name]) or None).close()
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            _LOG.warning("the proxy of %s cannot be used and is ignored (%s)", name, error)
            del os.environ[name]


def _with_scheme(proxy: str) -> str:
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"
