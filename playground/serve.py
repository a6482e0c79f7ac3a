"""The page, composed of its parts and launched."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from playground.proxies import spare_this_machine

for _name, _value in {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}.items():
    os.environ.setdefault(_name, _value)  # read by the libraries when they are imported


@dataclass(frozen=True)
class Serving:
    """How the page is served. `model` None: the one that ships; `adapter`: a folder with a LoRA adapter for it;
    `models`: a folder of models to choose from.

    `public`: for strangers, who change nothing that others see (TRUST.md); `share`: by Gradio's relay as well;
    `accounts`: (user, password) pairs that are asked for; `allow_hosts`: names it is served by beside its own;
    `root_path`: where a reverse proxy shows the page, the path that it strips, such as "/play", or a whole address;
    `mcp`: the endpoints are tools of an MCP server too; `verbose`: requests and jobs are logged to a file
    (services/verbose.py).
    """

    model: str | None = None
    adapter: str | None = None
    models: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    host: str = "127.0.0.1"
    port: int | None = None
    public: bool = False
    share: bool = False
    accounts: tuple[tuple[str, str], ...] = ()
    allow_hosts: tuple[str, ...] = ()
    root_path: str = ""
    mcp: bool = False
    verbose: bool = False


def serve(serving: Serving) -> None:
    """Load the model and serve the page until it is stopped by Ctrl-C.

    Raises ModelError for a model that cannot be loaded.
    """
    # A tenth of the seconds that this takes goes without a search for garbage in what is made to stay.
    gc.disable()
    spare_this_machine(serving.host)
    from playground import limits
    from playground.model.adapter import with_adapter
    from playground.services.jobs import LONGEST, PUBLIC_LONGEST, Jobs
    from playground.services.session import Workbench
    from playground.services.verbose import LoggedJobs, start_log
    from playground.ui.guard import shares
    from playground.ui.guard.hosts import Hosts
    from playground.ui.page import build, launch_options

    if serving.verbose:
        print(f"log: {start_log()}", file=sys.stderr)
    jobs = (LoggedJobs if serving.verbose else Jobs)(longest=PUBLIC_LONGEST if serving.public else LONGEST)
    workbench = Workbench(jobs=jobs, models=serving.models, public=serving.public)
    loaded = workbench.load_model(with_adapter(serving.model, serving.adapter), serving.device, serving.dtype)
    print(loaded.summary, file=sys.stderr)
    hosts = Hosts.served(serving.host, serving.allow_hosts, serving.share)
    try:
        with limits.tightened(limits.PUBLIC if serving.public else limits.LIMITS):
            page = build(workbench)
            gc.freeze()
            gc.enable()
            page.launch(
                server_name=serving.host,
                server_port=serving.port,
                share=serving.share,
                root_path=serving.root_path,
                auth=list(serving.accounts) or None,
                **launch_options(page, hosts, shares.PUBLIC if serving.public else shares.Shares(), serving.mcp),
            )
    except KeyboardInterrupt:  # Gradio takes it once it waits; before, it is ours
        pass
    finally:
        workbench.close()
