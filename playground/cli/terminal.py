"""Progress and messages on standard error, and Ctrl-C as a cancel."""

from __future__ import annotations

import io
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_QUIET_SECONDS = 2.0  # between lines where standard error is no terminal: a log need not hold every step


class Progress:
    """Progress reporter: one line that is written over on a terminal, a new line every few seconds in a log."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._open = False

    def show(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[2K{text[:width]}")
            sys.stderr.flush()
            self._open = True
        elif time.monotonic() - self._last >= _QUIET_SECONDS:
            print(text, file=sys.stderr, flush=True)
            self._last = time.monotonic()

    def clear(self) -> None:
        if self._open:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._open = False


def print_what_can_be_printed() -> None:
    """Let standard output replace characters that its encoding lacks: printing must not fail after the work."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def tell(text: str) -> None:
    """Print a message as one line on standard error."""
    print(f"playground: {' '.join(text.split())}", file=sys.stderr, flush=True)


@contextmanager
def stoppable(progress: Progress) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a cancel: the function that is given then returns True, and work can end with what
    there is. A second Ctrl-C raises KeyboardInterrupt. At the end the handler of before is restored, and the progress
    line cleared.
    """
    stopped = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: stopped
    finally:
        signal.signal(signal.SIGINT, before)
        progress.clear()
