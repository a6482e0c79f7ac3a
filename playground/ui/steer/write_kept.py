"""Writes the texts that ship for the opening state and the presets: python -m playground.ui.steer.write_kept"""

from __future__ import annotations

from playground.library.store import Store
from playground.model.load import load
from playground.places import SHIPPED_VECTORS
from playground.services.generate import GenerateRequest, generate
from playground.services.kept_texts import keep
from playground.ui.steer import kept, presets


def main() -> None:
    loaded, store = load(device="cpu"), Store(SHIPPED_VECTORS)
    requests: dict[GenerateRequest, None] = {}
    for preset in (kept.opening(loaded, store), *presets.ORGANISM):
        requests[kept.texts_request(preset, store.load)] = None
        if asked := kept.strip_request(preset, store.load):
            requests[asked[1]] = None
    results = [(request, generate(loaded, request, store.load)) for request in requests]
    keep(loaded, results, store.load, kept.FILE)
    print(f"{kept.FILE}: texts of {len(results)} requests, {kept.FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
