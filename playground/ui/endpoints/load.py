"""The endpoint `load`: another model for everybody on this server."""

from __future__ import annotations

from collections.abc import Iterator

from playground.errors import InputError
from playground.library.text import listed, shown
from playground.model.adapter import with_adapter
from playground.ui.endpoints.call import Answer, Call, ended, states
from playground.ui.model_strip import DEVICES, DTYPES


def load(
    call: Call, model: str = "organism", device: str = "auto", dtype: str = "auto", adapter: str = ""
) -> Iterator[Answer]:
    """Load a model, in place of the one that is loaded, for everybody on this server.

    A public page loads models of its list only, and none while others are at work.

    Parameters:
        model: A Hub id (id@revision), a folder or GGUF file of the server, or organism, the model that ships.
        device: auto (a GPU where there is one), cuda or cpu.
        dtype: auto (the checkpoint's own), bfloat16 or float32.
        adapter: A folder of the server with a LoRA adapter, merged into the model's float weights; none if empty.

    Returns:
        An object: state, model, summary, blocks, width, parameters, fingerprint.
    """
    for what, value, choices in (("device", device, DEVICES), ("dtype", dtype, DTYPES)):
        if value not in choices:
            raise InputError(f"Expected a {what}: {listed(choices)}, got {shown(value)}; choose one of them.")
    workbench, visitor = call.frame.workbench, call.visitor
    name = with_adapter(model.strip(), adapter.strip() or None) or ""
    workbench.check_loading(name, visitor.session)
    job = workbench.start_loading(name, device, dtype, owner=visitor.session, address=visitor.address)
    yield from states(job)
    loaded = job.result()
    yield ended(
        False,
        {
            "model": loaded.name,
            "summary": loaded.summary,
            "blocks": loaded.block_count,
            "width": loaded.width,
            "parameters": loaded.parameters,
            "fingerprint": loaded.fingerprint,
        },
    )
