"""The page, composed of its parts and launched."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from playground.proxies import spare_this_machine

for _name, _value in {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}.items():
    os.environ.setdefault(_name, _value)  # read by the libraries when they are imported


def serve(
    model: str | None = None,
    models: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    host: str = "127.0.0.1",
    port: int | None = None,
    public: bool = False,
    root_path: str = "",
) -> None:
    """Load `model` (None: the one that ships) and serve the page until it is stopped by Ctrl-C.

    `root_path` is where a reverse proxy shows the page: the path that it strips, such as "/play", or a whole address.
    Raises ModelError for a model that cannot be loaded.
    """
    # A tenth of the seconds that this takes goes without a search for garbage in what is made to stay.
    gc.disable()
    spare_this_machine(host)
    from playground.services.session import Workbench
    from playground.ui.page import build, launch_options

    workbench = Workbench(models=models)
    loaded = workbench.load_model(model, device, dtype)
    print(loaded.summary, file=sys.stderr)
    try:
        page = build(workbench)
        gc.freeze()
        gc.enable()
        page.launch(server_name=host, server_port=port, share=public, root_path=root_path, **launch_options())
    except KeyboardInterrupt:  # Gradio takes it once it waits; before, it is ours
        pass
    finally:
        workbench.close()
