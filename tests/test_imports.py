"""Imports point one way: ui, cli → services → methods, analyses → model, library → core. Read from the source."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "playground"

MAY_IMPORT = {
    "core": {"core"},
    "model": {"model", "core"},
    "library": {"library", "core"},
    "organism": {"organism", "model", "library", "core"},
    "methods": {"methods", "model", "library", "core"},
    "analyses": {"analyses", "model", "library", "core"},
    "services": {"services", "methods", "analyses", "model", "library", "core"},
    "cli": {"cli", "services", "methods", "analyses", "model", "library", "core", "organism"},
    "ui": {"ui", "services", "methods", "analyses", "model", "library", "core"},
}

HOOKS = (
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
)


def imports(path: Path) -> list[str]:
    """Every module a file imports, absolute, wherever in the file the import stands."""
    module = path.relative_to(ROOT).with_suffix("").parts
    names = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(module[: -node.level]) if node.level else []
            names.append(".".join([*base, *([node.module] if node.module else [])]))
            # `from playground import core` names the layer in the alias
            names += [f"{names[-1]}.{alias.name}" for alias in node.names]
    return names


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def layer(path: Path) -> str | None:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


@pytest.mark.parametrize("path", [path for path in sources(PACKAGE) if layer(path)], ids=name)
def test_imports_point_one_way(path):
    for imported in imports(path):
        parts = imported.split(".")
        if parts[0] == "playground" and len(parts) > 1 and parts[1] in MAY_IMPORT:
            assert parts[1] in MAY_IMPORT[layer(path)], f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", [path for path in sources(PACKAGE) if layer(path) != "organism"], ids=name)
def test_the_organism_is_imported_by_its_command_only(path):
    """What works on every model must not know the one that ships."""
    known = [imported for imported in imports(path) if imported.startswith("playground.organism")]
    assert not known or name(path) == "playground/cli/train_organism.py", f"{name(path)} imports {known}"


@pytest.mark.parametrize("path", sources(PACKAGE / "core"), ids=name)
def test_core_imports_torch_and_the_standard_library_only(path):
    for imported in imports(path):
        top = imported.split(".")[0]
        assert (
            top in sys.stdlib_module_names
            or top == "torch"
            or imported.startswith("playground.core")
            or (imported.startswith("playground.errors"))
        ), f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", [path for path in sources(PACKAGE) if layer(path) != "ui"], ids=name)
def test_gradio_and_plotly_appear_under_ui_only(path):
    for imported in imports(path):
        assert imported.split(".")[0] not in ("gradio", "plotly", "gradio_client"), f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", [*sources(PACKAGE / "core"), *sources(PACKAGE / "library")], ids=name)
def test_core_and_library_do_not_import_transformers_to_begin_with(path):
    """Listing files and reading prompt sets must not wait for transformers; nothing there needs a model."""
    assert not [imported for imported in imports(path) if imported.split(".")[0] == "transformers"]


@pytest.mark.parametrize("path", sources(PACKAGE), ids=name)
def test_hooks_are_registered_in_one_module(path):
    used = [
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in HOOKS
    ]
    assert not used or name(path) == "playground/model/steering.py", f"{name(path)} uses {used}"


@pytest.mark.parametrize("path", sources(PACKAGE), ids=name)
def test_nothing_is_pickled(path):
    used = {imported.split(".")[0] for imported in imports(path)} & {"pickle", "dill", "joblib", "shelve", "marshal"}
    assert not used


def test_the_test_sees_a_wrong_import(tmp_path):
    """The claim above is worth what `imports` finds: lazy, relative and aliased imports too."""
    path = ROOT / "playground" / "core" / "_example.py"
    tree = "def f():\n    from ..services import jobs\n    from playground import ui\n    import gradio as g\n"
    found = _imports_of(tree, path)
    assert {"playground.services.jobs", "playground.ui", "gradio"} <= set(found)


def _imports_of(text: str, path: Path) -> list[str]:
    class Source(type(path)):
        def read_text(self, *args, **kwargs):
            return text

    return imports(Source(path))
