"""Importing the page's package imports Gradio without what it does for editors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = """
import ast, inspect
calls, segment, getfile = [], ast.get_source_segment, inspect.getfile
ast.get_source_segment = lambda *args, **kwargs: calls.append(args) or segment(*args, **kwargs)
import {package}
assert inspect.getfile is getfile
import gradio.components
assert inspect.getfile(gradio.components.Button).endswith("button.py")
print(len(calls))
"""


def stubs_looked_at(package: str) -> int:
    code = COUNTED.format(package=package)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(ran.stdout.split()[-1])


def test_no_stub_file_is_compared_or_written() -> None:
    assert stubs_looked_at("gradio") > 50  # when this is 0, what playground/ui/__init__.py does is not needed any more
    assert stubs_looked_at("playground.ui") == 0
