"""The slowest twenty tests of several runs: `python tests/slowest.py FILE.xml …`, JUnit XML as pytest writes it."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

SHOWN = 20


def slowest(files: list[Path]) -> list[tuple[float, str]]:
    """(seconds, test) of the slowest, the slowest first."""
    cases = [case for file in files for case in ElementTree.parse(file).iter("testcase")]
    every = ((float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}") for case in cases)
    return sorted(every, reverse=True)[:SHOWN]


if __name__ == "__main__":
    files = [Path(argument) for argument in sys.argv[1:]]
    suites = [suite for file in files for suite in ElementTree.parse(file).iter("testsuite")]
    print(f"{sum(int(suite.get('tests', 0)) for suite in suites)} tests; the slowest {SHOWN}, in seconds:")
    for seconds, name in slowest(files):
        print(f"{seconds:7.1f}  {name}")
