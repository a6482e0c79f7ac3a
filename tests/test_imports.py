"""Imports point one way: ui, cli → services → methods, analyses → model, library → core. Read from the source."""

from __future__ import annotations

import ast
import functools
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

IN_UI = {
    "guard": {"guard"},
    "kit": {"guard", "kit"},
    "page.py": {"guard", "kit", "widgets", "endpoints"},
    "widgets": {"kit", "widgets"},
}
"""Parts of the page that may import these folders of it; a tab may import kit, widgets and itself."""

HOOKS = (
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
)


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The source of a file as a tree."""
    return ast.parse(path.read_text(), str(path))


def imports(path: Path, types: bool = True) -> list[str]:
    """Every module a file imports, absolute, wherever in the file the import stands; without `types`, not those that
    only a type checker reads.
    """
    module = path.relative_to(ROOT).with_suffix("").parts
    names = []
    tree = parsed(path)
    unread = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = set() if types else {inner for node in unread for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
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


@pytest.mark.parametrize("path", sources(PACKAGE / "ui"), ids=name)
def test_tabs_do_not_import_each_other_and_what_they_share_imports_no_tab(path):
    """What one tab tells another goes through the frame; page.py knows the list of tabs, and only the list each tab."""
    folders = {folder.name for folder in (PACKAGE / "ui").iterdir() if folder.is_dir()} - {"__pycache__"}
    own = path.relative_to(PACKAGE / "ui").parts[0]
    allowed = IN_UI.get(own, {"kit", "widgets", own})
    for imported in imports(path):
        parts = imported.split(".")
        if parts[:2] == ["playground", "ui"] and len(parts) > 2 and parts[2] in folders - allowed:
            assert own == "tabs.py", f"{name(path)} imports {imported}"


def test_imports_form_no_circle():
    """Imports inside functions count; those for a type checker only do not."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources(PACKAGE)}
    modules = {module.removesuffix(".__init__"): path for module, path in names.items()}

    def imported_by(path: Path) -> set[str]:
        found = imports(path, types=False)
        # `from package import module` is no import of what stands in the package's own file
        objects = {one.rpartition(".")[0] for one in found if one not in modules}
        return {one for one in found if f"{one}.__init__" not in names or one in objects} & modules.keys()

    graph = {module: imported_by(path) for module, path in modules.items()}
    order: dict[str, int] = {}  # 1 while what it imports is walked, 2 when that is done

    def walk(module: str, trail: tuple[str, ...]) -> None:
        order[module] = 1
        for imported in sorted(graph[module] - {module}):
            assert order.get(imported) != 1, " → ".join((*trail[trail.index(imported) :], imported))
            if imported not in order:
                walk(imported, (*trail, imported))
        order[module] = 2

    for module in graph:
        if module not in order:
            walk(module, (module,))


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
        for node in ast.walk(parsed(path))
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
