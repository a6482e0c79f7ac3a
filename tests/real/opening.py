"""Time from a loaded SmolLM2 without vectors to a gallery that is read: python -m tests.real.opening [--texts FILE]

What the page's “Find some” does, without the page: directions with the defaults for the model, their scales, the
gallery. The aim is 90 s on two quiet cores. Seconds of the processor are said beside those of the clock, for a machine
that does something else too.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path

from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel, load
from playground.services.find import find
from playground.services.gallery import Gallery, GalleryRequest, write_gallery
from playground.services.scales import find_scales
from playground.services.suggest import suggest_names
from playground.ui.widgets.find_some import first_request


@dataclass(frozen=True)
class Opening:
    """The set with its scales, the gallery, and (stage, seconds, seconds of the processor)."""

    vector_set: VectorSet
    prompt: str
    gallery: Gallery
    stages: tuple[tuple[str, float, float], ...]

    @property
    def texts(self) -> dict[tuple[int, int], str]:
        """The texts that are no noise."""
        return {place: text.text for place, text in self.gallery.texts.items() if not text.noise}

    def beginnings(self) -> set[str]:
        """The first two words of the texts, without those of the baseline: what a reader sees of a behaviour first."""
        first = {" ".join(text.split()[:2]) for text in self.texts.values()}
        return first - {" ".join(self.gallery.baseline.split()[:2])}


def opened(loaded: LoadedModel) -> Opening:
    """All that “Find some” does."""
    stages = []
    begun, used = time.perf_counter(), time.process_time()

    def stage(name: str) -> None:
        nonlocal begun, used
        stages.append((name, time.perf_counter() - begun, time.process_time() - used))
        begun, used = time.perf_counter(), time.process_time()

    request = first_request(loaded)
    vector_set = find(loaded, request).vector_set
    stage("directions")
    vector_set = find_scales(loaded, vector_set)
    stage("scales")
    prompt = request.prompts[0]
    gallery = write_gallery(loaded, vector_set, GalleryRequest(prompt=prompt, format=request.format))
    stage("gallery")
    return Opening(vector_set, prompt, gallery, tuple(stages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, help="write all texts to this file")
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("real_fetch", Path(__file__).with_name("fetch.py"))
    fetch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetch)
    opening = opened(load(str(fetch.fetched()), device="cpu", dtype="float32"))
    for name, seconds, used in opening.stages:
        print(f"{name}: {seconds:.0f} s, {used:.0f} s of the processor")
    print(f"all: {sum(seconds for _, seconds, _ in opening.stages):.0f} s (≤ 90 s on two quiet cores)")
    count, most = len(opening.texts), 2 * opening.vector_set.rows
    print(f"{count} of {most} signed vectors in text, {len(opening.beginnings())} other beginnings")
    names = suggest_names({place: [text] for place, text in opening.texts.items()}, [opening.gallery.baseline])
    lines = [f"{opening.prompt}\n 0 {opening.gallery.baseline!r}"]
    for (row, sign), text in opening.gallery.texts.items():
        mark = " noise" if text.noise else ""
        lines.append(f"{'+' if sign > 0 else '−'}{row} [{names.get(row, '')}]{mark} {text.text!r}")
    print("\n".join(lines))
    if options.texts is not None:
        options.texts.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
