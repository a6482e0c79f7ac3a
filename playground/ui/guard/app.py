"""Gradio's application with the guard around all of it, its own CORS middleware included."""

from __future__ import annotations

from collections.abc import Callable

from gradio.routes import App, ORJSONResponse
from starlette.types import ASGIApp

from playground.ui.guard.guard import Guard
from playground.ui.guard.hosts import Hosts
from playground.ui.guard.request_log import RequestLog
from playground.ui.guard.shares import Shares


class GuardedApp(App):
    """For `Blocks.launch(_app=...)`, the one way to be outside of the middleware that Gradio adds itself."""

    def __init__(
        self,
        on_absent: Callable[[str], None],
        on_page: Callable[[str], None],
        hosts: Hosts | None = None,
        shares: Shares | None = None,
        mcp: bool = False,
    ):
        super().__init__(default_response_class=ORJSONResponse)
        self._guarding = (on_absent, on_page, hosts, shares, mcp)

    def forget(self, session: str) -> None:
        """Drop what Gradio keeps of a session whose page was closed: a copy of the page's configuration, a megabyte."""
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)

    def build_middleware_stack(self) -> ASGIApp:
        inner = super().build_middleware_stack()
        return RequestLog(Guard(inner, lambda: self.get_blocks()._queue, *self._guarding))
