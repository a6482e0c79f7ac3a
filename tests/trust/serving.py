"""The page over the shipped model in this process, on a free port, for tests that speak HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground.library.store import Store
from playground.places import SHIPPED_VECTORS
from playground.services.jobs import Jobs
from playground.services.session import Workbench


@contextmanager
def served(
    folder: Path,
    jobs: Jobs | None = None,
    public: bool = False,
    accounts: list[tuple[str, str]] | None = None,
    **options: Any,
) -> Iterator[tuple[str, Workbench]]:
    """(address, workbench) of a page with a copy of the shipped sets in `folder`; `options` of `launch_options`."""
    from playground.ui.page import build, launch_options

    for path in SHIPPED_VECTORS.glob("*.safetensors"):
        shutil.copy(path, folder)
    workbench = Workbench(store=Store(folder), jobs=jobs, public=public)
    workbench.load_model()
    page = build(workbench)
    _, url, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        server_name="127.0.0.1",
        auth=accounts,
        **launch_options(page, **options),
    )
    try:
        yield url.rstrip("/"), workbench
    finally:
        page.close(verbose=False)
        workbench.close()
