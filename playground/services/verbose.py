"""The log of --verbose: requests, jobs and errors in files that rotate, without any text of a user."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TypeVar

from playground.errors import Cancelled, InputError
from playground.library.text import reason
from playground.places import HOME
from playground.services import recent
from playground.services.job import Job, JobContext
from playground.services.jobs import Jobs

T = TypeVar("T")
FOLDER = HOME / "log"
FILE = "playground.log"
FILES, FILE_BYTES = 5, 1_000_000


class _WithoutWords(logging.Formatter):
    """Messages of recent.LOG as they are; of other loggers without the values in them, which can be names or paths."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage() if record.name == recent.LOG.name else str(record.msg)
        if record.exc_info and record.exc_info[1] is not None:
            failure = recent.failure_of(record.exc_info[1])
            said += f" ({' from '.join(failure.types)} at {', '.join(failure.places)})"
        return f"{self.formatTime(record)} {record.levelname} {record.name}: {said}"


def start_log(folder: Path = FOLDER) -> Path:
    """Log everything of the playground to a file of this folder, which is made. Returns its path.

    Raises InputError where it cannot be written.
    """
    path = folder.expanduser() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        to_file = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Expected to write the log of --verbose to {path}, got “{reason(error)}”; leave --verbose out, or "
            "make it writable."
        ) from error
    to_file.setFormatter(_WithoutWords())
    to_terminal = logging.StreamHandler(sys.stderr)  # warnings go there without a log too
    to_terminal.setLevel(logging.WARNING)
    to_terminal.addFilter(lambda record: record.name != recent.LOG.name)
    logger = logging.getLogger("playground")
    logger.setLevel(logging.INFO)
    logger.addHandler(to_file)
    logger.addHandler(to_terminal)
    return path


class LoggedJobs(Jobs):
    """Jobs whose beginning and end are logged."""

    def start(self, name: str, work: Callable[[JobContext], T], *rest: Any, **named: Any) -> Job[T]:
        kind = name.split()[0]  # of "loading PATH" no more than that

        def logged(context: JobContext) -> T:
            recent.LOG.info("job %s begins", kind)
            begun, end = time.perf_counter(), "ends"
            try:
                return work(context)
            except Cancelled:
                end = "is stopped"
                raise
            except BaseException as error:
                end = f"fails with {type(error).__name__}"
                raise
            finally:
                recent.LOG.info("job %s %s after %.2f s", kind, end, time.perf_counter() - begun)

        return super().start(name, logged, *rest, **named)
