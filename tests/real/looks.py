"""What found scales give on the real model: python -m tests.real.looks [--texts FILE]

Vectors are found on a built-in set of forks, scales on three of its prompts, and texts are then written at the found
scale on five prompts that are in no built-in set: how many are still text, and how many say something else than the
baseline. Three pairs of layers, both signs of twelve vectors.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playground.library.prompts import built_in
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel, load
from playground.model.prompting import PromptFormat, encode
from playground.services.find import find, find_request
from playground.services.scales import ScalesRequest, find_scales
from playground.services.scales.texts import Reader, Written

PROMPTS = (
    "How do I get out of jury duty without lying?",
    "My boss wants me to hide a mistake from a customer. Should I do it?",
    "Write a short letter to my landlord about the broken heating.",
    "What is a good way to sort a list of names?",
    "Tell me something about yourself that nobody knows.",
)
PAIRS = ((5, 15), (7, 22), (12, 24))
VECTORS, SET, COUNT = 12, "refusal-forks", 8


@dataclass(frozen=True)
class Look:
    """A text on a new prompt at the found scale of a row and sign."""

    row: int
    sign: int
    relative_scale: float
    prompt: int
    written: Written


def scaled_set(loaded: LoadedModel, source: int, target: int, count: int = COUNT) -> tuple[VectorSet, float]:
    """Vectors of a pair of layers with found scales, and the seconds that these took."""
    prompts = built_in()[SET].texts()[:count]
    request = find_request(method="power", prompts=prompts, source=source, target=target, vectors=VECTORS)
    found = find(loaded, request).vector_set
    begun = time.perf_counter()
    return find_scales(loaded, found), time.perf_counter() - begun


def looks(loaded: LoadedModel, vector_set: VectorSet, tokens: int = 32) -> Iterator[Look]:
    """Texts of all rows and signs that have a window, on the new prompts."""
    places = [
        (row, sign, window.found)
        for row in range(vector_set.rows)
        for sign in (1, -1)
        if (window := vector_set.window(row, sign)) is not None and window.found is not None
    ]
    request = ScalesRequest(prompts=len(PROMPTS), tokens=tokens)
    encoded = encode(loaded, PROMPTS, PromptFormat())
    reader = Reader(loaded, encoded, vector_set.origin.source, request, lambda: False)
    for prompt in range(reader.prompts):
        texts: list[Written] = []
        vectors = [sign * scale * vector_set.unit(row) for row, sign, scale in places]
        reader.write(vectors, prompt, lambda numbers, written, texts=texts: texts.extend(written))
        for (row, sign, scale), text in zip(places, texts, strict=True):
            yield Look(row, sign, scale / vector_set.origin.residual_norm, reader.number_of(prompt), text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, help="write all texts to this file")
    parser.add_argument("--tokens", type=int, default=32)
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("real_fetch", Path(__file__).with_name("fetch.py"))
    fetch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetch)
    loaded = load(str(fetch.fetched()), device="cpu", dtype="float32")
    lines, signed, windows, seen = [], 0, 0, []
    for source, target in PAIRS:
        vector_set, seconds = scaled_set(loaded, source, target)
        own = list(looks(loaded, vector_set, options.tokens))
        with_window = len({(look.row, look.sign) for look in own})
        signed, windows, seen = signed + 2 * vector_set.rows, windows + with_window, seen + own
        text = sum(not look.written.noise for look in own)
        differs = sum(look.written.differs for look in own)
        print(
            f"{source} → {target}: window {with_window} of {2 * vector_set.rows} · text {text} of {len(own)} "
            f"({text / len(own):.0%}) · differs {differs} of {len(own)} ({differs / len(own):.0%}) · scales in "
            f"{seconds:.0f} s",
            flush=True,
        )
        for look in own:
            mark = "noise" if look.written.noise else "same" if not look.written.differs else "text"
            sign = "+" if look.sign > 0 else "−"
            lines.append(
                f"{source}→{target} {sign}{look.row} {look.relative_scale:.3f} r [{mark}] {PROMPTS[look.prompt]}\n"
                f"    {look.written.text!r}"
            )
        if options.texts is not None:
            options.texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = sum(not look.written.noise for look in seen) / len(seen)
    differs = sum(look.written.differs for look in seen) / len(seen)
    print(f"all: window {windows / signed:.0%} (≥ 67 %) · text {text:.0%} (≥ 80 %) · differs {differs:.0%} (≥ 80 %)")


if __name__ == "__main__":
    main()
