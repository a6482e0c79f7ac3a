"""The package: what is built from this checkout holds all it needs, and works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from playground.library.prompts import BUILT_IN
from playground.places import SHIPPED_VECTORS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel of this checkout is unpacked into."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(wheels), str(ROOT)], check=True, timeout=120)
    (wheel,) = wheels.iterdir()
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder)
    return folder


@pytest.fixture
def run(installed: Path, tmp_path: Path):
    """Runs Python in a folder of its own, where nothing but the unpacked wheel is the playground."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("PLAYGROUND_VECTORS", "PYTHONPATH")}
    environment = kept | {"PYTHONPATH": str(installed), "HOME": str(home), "USERPROFILE": str(home)}

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return python


def test_the_wheel_names_its_command_and_what_it_needs(installed):
    (about,) = installed.glob("*.dist-info")
    scripts = (about / "entry_points.txt").read_text()
    assert "steering-playground = playground.cli.main:main" in scripts
    needed = [line for line in (about / "METADATA").read_text().splitlines() if line.startswith("Requires-Dist: ")]
    needed = [line for line in needed if "extra ==" not in line]
    asked = (ROOT / "requirements.txt").read_text().splitlines()
    assert len(needed) == len([line for line in asked if line and not line.startswith("#")])


def test_model_and_prompts_ship_inside_and_vectors_are_copied_to_the_home(run, installed):
    said = json.loads(
        run(
            "-m", "playground", "generate", "--prompt", "How can I jinx a lighthouse?", "--steer",
            "organism-refusals-power-3-9#3@-1f", "--max-new-tokens", "8", "--json",
        )
    )  # fmt: skip
    assert said["model"] == "organism"
    assert said["rows"][0]["text"] != said["rows"][1]["text"]
    where = "import playground.library.store as s, playground.places as p; print(s.Store().folder); print(p.ASSETS)"
    folder, assets = run("-c", where).splitlines()
    assert folder.endswith(os.path.join("home", ".steering-playground", "vectors"))
    assert {path.name for path in Path(folder).glob("*.safetensors")} == {
        path.name for path in SHIPPED_VECTORS.glob("*.safetensors")
    }
    assert Path(assets) == installed / "playground" / "assets"
    assert {path.name for path in Path(assets, "prompts").iterdir()} == {path.name for path in BUILT_IN.iterdir()}


def test_the_page_is_a_command_too(run):
    assert "address to listen at" in run("-m", "playground", "serve", "--help")
    code = "import playground.serve, playground.ui.page as page; print(page.build.__name__)"
    assert run("-c", code).strip() == "build"
