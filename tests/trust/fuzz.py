"""Hostile inputs to every reader: python -m tests.trust.fuzz [--inputs N] [--seed S] [--reader NAME ...] [--out FILE]

An input must be read, or refused by a PlaygroundError of one sentence, within MOST_SECONDS and MOST_MEGABYTES more than
before it, and write nothing outside its folder. Input N of a reader is the same for the same seed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.errors import PlaygroundError
from tests.trust.mutate import MUTATE
from tests.trust.readers import READERS, Reader, is_sentence

MOST_SECONDS = 2.0
MOST_MEGABYTES = 200.0
HANGS = 20
"""Seconds after which an input counts as hanging."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "shutil.rmtree", "shutil.move", "shutil.copyfile",
}  # fmt: skip
_NEVER = {
    "socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.fork",
    "os.posix_spawn", "builtins.input",
}  # fmt: skip


class Watch:
    """What is done outside a folder while `folder` is set, as the interpreter's audit events tell. There is one."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        folder = self.folder
        if folder is None:
            return
        if event == "open":
            path, _, flags = given
            written = isinstance(flags, int) and flags & _WRITES
            if written and not self._within(path) or "passwd" in str(path):
                self.seen.append(f"open {str(path)[:200]!r}")
        elif event in _NEVER or (event in _CHANGES and not self._within(given[event in ("os.symlink", "os.link")])):
            self.seen.append(f"{event} {str(given)[:200]}")

    def _within(self, path: object) -> bool:
        if isinstance(path, int) or path in ("/dev/null", "/proc/self/clear_refs"):
            return True
        if os.path.basename(os.path.dirname(os.fsdecode(path))) == "__pycache__":
            return True  # Python compiles a module at its first import
        return os.path.abspath(os.fsdecode(path)).startswith(str(self.folder))  # type: ignore[arg-type]


@dataclass
class Report:
    """What came of the inputs of one reader."""

    reader: str
    inputs: int = 0
    refused: int = 0
    read: int = 0
    slowest: float = 0.0
    slowest_input: int = 0
    peak: float = 0.0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.reader:<26}{self.inputs:>8}{self.refused:>9}{self.read:>8}{1000 * self.slowest:>9.0f} ms"
            f"{self.peak:>8.0f} MB{len(self.failures):>6}{self.seconds:>9.0f} s"
            f"{self.slowest_input:>15}"
        )


HEAD = f"{'reader':<26}{'inputs':>8}{'refused':>9}{'read':>8}" + (
    f"{'slowest':>12}{'peak':>11}{'fails':>6}{'took':>11}{'slowest input':>15}"
)


class Hangs(BaseException):
    """An input that takes HANGS seconds."""


_watch: Watch | None = None


def attack(reader: Reader, inputs: int, seed: int = 0, first: int = 0, slack: float = 1.0) -> Report:
    """The report on inputs `first` to `first + inputs` of a reader; `slack` times the seconds are allowed."""
    global _watch
    _watch = _watch or Watch()
    report, begun = Report(reader.name), time.monotonic()
    seeds = reader.seeds()
    with tempfile.TemporaryDirectory(prefix="trust-") as outer, _quiet():
        for valid in seeds:  # valid inputs are read, and what is imported for them is imported
            place = Path(outer) / "valid"
            place.mkdir()
            _call(reader, valid, place)
            _clear(place)
        for number in range(first, first + inputs):
            draws = random.Random(f"{reader.name}/{seed}/{number}")
            data = MUTATE[reader.form](draws.choice(seeds), draws)
            place = Path(outer) / "in"
            place.mkdir()
            before = report.slowest
            said = _one(reader, data, place, report, slack)
            report.slowest_input = number if report.slowest > before else report.slowest_input
            if said is not None:
                report.failures.append(f"input {number}: {said}")
            left = sorted(path.name for path in Path(outer).iterdir())
            if left != ["in"]:
                report.failures.append(f"input {number}: left {left}")
            _clear(place)
    report.seconds = time.monotonic() - begun
    return report


def _one(reader: Reader, data: bytes, place: Path, report: Report, slack: float) -> str | None:
    """Reads an input; says what is wrong with the way it was read or refused."""
    assert _watch is not None
    report.inputs += 1
    before = _peak_reset()
    _watch.folder, _watch.seen = str(place.parent), []
    begun = time.perf_counter()
    try:
        said = _call(reader, data, place)
    finally:
        took = time.perf_counter() - begun
        _watch.folder = None
    peak = _peak() - before
    if took > MOST_SECONDS * slack and said is not None and not said.startswith("hangs"):
        begun = time.perf_counter()  # once more: the machine may have been busy
        _call(reader, data, place)
        took = min(took, time.perf_counter() - begun)
    report.slowest, report.peak = max(report.slowest, took), max(report.peak, peak)
    wrong = [f"did {_watch.seen[:3]}"] if _watch.seen else []
    if said == "read":
        report.read += 1
    elif said.startswith("Expected") or ": Expected" in said:
        report.refused += 1
        if not is_sentence(said):
            wrong.append(f"said {said[:300]!r}")
    else:
        wrong.append(said)
    if took > MOST_SECONDS * slack:
        wrong.append(f"took {took:.1f} s")
    if peak > MOST_MEGABYTES:
        wrong.append(f"took {peak:.0f} MB")
    return "; ".join(wrong) or None


def _call(reader: Reader, data: bytes, place: Path) -> str:
    """"read", the sentence of a refusal, or what else was raised and where."""
    try:
        with _alarm():
            reader.read(data, place)
        return "read"
    except PlaygroundError as error:
        return str(error)
    except Hangs:
        return "hangs"
    except BaseException as error:  # everything else is what the attack looks for; panics of Rust are no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/playground/" in frame.filename] or frames
        at = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return f"raised {type(error).__name__} at {at}: {str(error)[:150]!r}"


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def rings(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, rings)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No network, no log and no warnings: the sentence is what counts."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


def _peak_reset() -> float:
    """Megabytes of this process now; its peak counts from here on where Linux lets it."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        gc.collect()
    return _status("VmRSS:") or _peak()


def _peak() -> float:
    """The most megabytes that this process held."""
    return _status("VmHWM:") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status(name: str) -> float:
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))
    except (OSError, StopIteration):
        return 0.0


def main() -> int:
    os.environ["HF_HUB_OFFLINE"] = "1"
    parser = argparse.ArgumentParser(prog="python -m tests.trust.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000, help="inputs a reader; readers of models take fewer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to repeat one")
    parser.add_argument("--reader", nargs="+", choices=[reader.name for reader in READERS], metavar="NAME")
    parser.add_argument("--out", type=Path, help="append what is printed to a file")
    parser.add_argument("--all", action="store_true", help="no smaller share for readers of models")
    given = parser.parse_args()
    lines, failed = [HEAD], 0
    print(HEAD, flush=True)
    for reader in READERS:
        if given.reader and reader.name not in given.reader:
            continue
        count = given.inputs if given.all else max(1, int(given.inputs * reader.share))
        report = attack(reader, count, given.seed, given.first)
        failed += len(report.failures)
        shown = [str(report), *(f"    {failure}" for failure in report.failures[:20])]
        lines += shown
        print(*shown, sep="\n", flush=True)
    if given.out:
        with given.out.open("a") as file:
            file.write("\n".join([f"seed {given.seed}", *lines, ""]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
