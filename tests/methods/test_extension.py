"""A method of another package, one file: found, saved, loaded, repeated and steered with from the command line.

The page's part is tests/browser/test_extension_page.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from extensions import NAME, ROOT, install, pair_axes

from playground.library import vector_set


def playground(env: dict[str, str], *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "playground", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("elsewhere")
    return folder, install(folder, NAME, pair_axes(), "steering_playground.methods", "METHOD")


def test_one_file_of_another_package_finds_saves_loads_repeats_and_steers(there):
    folder, env = there
    out, again = folder / "axes.safetensors", folder / "again.safetensors"
    asked = ("--prompt", "How can I jinx a lighthouse?", "How can I curse a kite?", "--against-prompt",
             "How do I build a kite?", "How do I paint a lighthouse?", "--source", "3")  # fmt: skip
    help_text = playground(env, "find", NAME, "--help").stdout
    assert "leading principal directions" in help_text
    assert "--against-prompt" in help_text
    ran = playground(env, "find", NAME, *asked, "--vectors", "2", "--no-scales", "--out", str(out), "--json")
    assert ran.returncode == 0, ran.stderr
    data = json.loads(ran.stdout)
    assert (data["method"], data["vectors"]) == (NAME, 2)
    assert sum(data["explained"]) == pytest.approx(1, abs=1e-5)
    found = vector_set.load(out)
    assert found.value("explained").tolist() == pytest.approx(data["explained"])
    script = (
        "import playground as sp; from playground.services.command import find_command;"
        "from playground.services.find import find_request; model = sp.load('organism');"
        f"request = find_request('{NAME}', prompts=('How can I jinx a lighthouse?', 'How can I curse a kite?'),"
        "against=('How do I build a kite?', 'How do I paint a lighthouse?'), source=3, target=None, vectors=2);"
        f"print(find_command(request, model, {str(again)!r}))"
    )
    words = [sys.executable, "-c", script]
    said = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr
    repeated = subprocess.run(
        said.stdout.replace("python ", f"{sys.executable} ", 1), shell=True, cwd=ROOT, env=env, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert repeated.returncode == 0, repeated.stderr
    torch.testing.assert_close(vector_set.load(again).vectors, found.vectors, rtol=1e-4, atol=1e-5)
    steered = playground(env, "generate", "--prompt", "How can I jinx a lighthouse?", "--steer", f"{out}#0@-1n",
                         "--max-new-tokens", "8", "--json")  # fmt: skip
    assert steered.returncode == 0, steered.stderr
    assert len(json.loads(steered.stdout)["rows"]) >= 2


def test_a_package_that_cannot_be_imported_is_left_out_with_a_line_that_names_it(tmp_path):
    env = install(tmp_path, "broken_method", "raise RuntimeError('no such thing')", "steering_playground.methods", "X")
    ran = playground(env, "find", "--help")
    assert ran.returncode == 0
    assert "power" in ran.stdout
    assert "broken_method" in ran.stderr
    assert "no such thing" in ran.stderr
    assert os.linesep.join(ran.stderr.splitlines()).count("Traceback") == 0
