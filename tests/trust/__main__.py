"""All attacks by one command: python -m tests.trust [--short]

Hostile files to every reader, hostile values to every event, and many visitors at once: one after the other, each in a
process of its own with a limit on its memory and its time, on this machine only. Exit status 1 if one found any.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 12 * 2**30
"""Bytes of address space for each process: the attack that began this took 19 GB."""
LONG = {
    "fuzz": (["--inputs", "5000"], 3600),
    "endpoints": ([], 1800),
    "load": (["--visitors", "50", "--minutes", "5"], 900),
}
SHORT = {
    "fuzz": (["--inputs", "200"], 600),
    "endpoints": ([], 1800),
    "load": (["--visitors", "10", "--minutes", "1"], 300),
}
"""Arguments and seconds of each attack."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a few minutes of each")
    attacks = SHORT if parser.parse_args().short else LONG
    # Nothing may be asked of another host; the libraries would, for models and for analytics.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1"}
    failed = []
    for name, (arguments, seconds) in attacks.items():
        begun = time.monotonic()
        print(f"== {name} {' '.join(arguments)}", flush=True)
        command = [sys.executable, "-m", f"tests.trust.{name}", *arguments]
        try:
            code = subprocess.run(
                command, cwd=ROOT, env=environment, timeout=seconds, preexec_fn=_bounded, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = 124
        ended = "as promised" if code == 0 else f"status {code}"
        print(f"== {name}: {ended}, {time.monotonic() - begun:.0f} s", flush=True)
        failed += [name] if code else []
    return 1 if failed else 0


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    sys.exit(main())
