"""What an atlas says of where a model can be steered, and whether its numbers predict it: writes assets/docs/ATLAS.md.

    python -m tests.benchmarks.atlas_report organism.atlas.safetensors [--model M ATLAS ...] --write

Every vector of an atlas is pushed in both signs at the scale of its KL; a greedy text of 24 tokens on a prompt that
the atlas was not made on says whether it acts: it is no noise, and shares fewer than half of its words with the text
without a push.
"""

from __future__ import annotations

import argparse
import datetime
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from playground.library import atlas as files
from playground.library import prompts as prompt_sets
from playground.library.atlas import Atlas, Pair
from playground.model.load import LoadedModel, is_organism, load
from playground.model.prompting import PromptFormat
from playground.organism.modes import recognise
from playground.places import ASSETS
from playground.services.atlas.colours import BROKEN, CONTROL, SWING
from playground.services.evidence.statistics import spearman
from playground.services.gallery import SIGNS, GalleryRequest, write_gallery
from playground.services.words import WordsRequest, words
from tests.benchmarks.transfer_report import section_of

PAGE = ASSETS / "docs" / "ATLAS.md"
TOKENS = 24
ALIKE = 0.5
BAND = 0.05
"""Rows belong to one band when their σ lie within this share of each other."""


@dataclass(frozen=True)
class Text:
    """A signed vector of a pair, its numbers, and what it makes the model say."""

    pair: Pair
    row: int
    sign: int
    gain: float
    divergence: float
    acts: bool
    noise: bool
    mode: str | None
    in_band: bool
    first_word: int | None
    """Place of the text's first token among the vector's words, from 0; None where it is not one of the first 7."""


def main() -> int:
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.atlas_report", description=about)
    parser.add_argument("atlases", nargs="+", type=Path, help="atlases with KL, one a model")
    parser.add_argument("--model", action="append", default=[], help="of each atlas, in their order (the shipped one)")
    parser.add_argument("--every", type=int, default=1, help="take every N-th pair of an atlas beyond the first (1)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} beside the other documents")
    asked = parser.parse_args()
    models = asked.model or [None] * len(asked.atlases)
    parts = []
    for number, (path, model) in enumerate(zip(asked.atlases, models, strict=True)):
        loaded = load(model)
        made = files.load(path)
        parts.append(_section(loaded, made, _read(loaded, made, asked.every if number else 1)))
        print(parts[-1], flush=True)
    if asked.write:
        PAGE.write_text(_page(parts, sys.argv[1:]), encoding="utf-8")
    return 0


def _read(loaded: LoadedModel, made: Atlas, every: int) -> list[Text]:
    """Texts of all vectors of every `every`-th pair, on the first prompt of the set that the atlas was not made on."""
    name = _effect(made)
    scale = float(name.split()[2])
    whole = prompt_sets.built_in()[made.origin.prompt_set or ""]
    prompt = next(text for text in whole.texts() if text not in made.origin.prompts)
    request = GalleryRequest(prompt=prompt, format=PromptFormat.of_set(whole), tokens=TOKENS, scale=scale)
    found = []
    pairs = sorted(made.places)[::every]
    for number, pair in enumerate(pairs, start=1):
        place, vectors = made.places[pair], made.vector_set(pair)
        gallery = write_gallery(loaded, vectors, request)
        said = words(loaded, WordsRequest(source_set=vectors))
        gains = made.singular_values[place].tolist()
        for row, gain in enumerate(gains):
            neighbours = [other for at, other in enumerate(gains) if at != row]
            band = any(abs(other - gain) <= BAND * max(other, gain) for other in neighbours)
            for column, sign in enumerate(SIGNS):
                text = gallery.texts[row, sign]
                likely = [word.text.strip() for word in said.words.get((row, sign), ())]
                opening = text.text.strip()
                rank = next((at for at, word in enumerate(likely) if word and opening.startswith(word)), None)
                found.append(
                    Text(
                        pair, row, sign, gain, float(made.effects[name][place, row, column]),
                        not text.noise and _alike(text.text, gallery.baseline) < ALIKE, bool(text.noise),
                        recognise(text.text).mode if is_organism(loaded) else None, band, rank,
                    )  # fmt: skip
                )
        print(f"\r{number} of {len(pairs)} pairs", end="", file=sys.stderr)
    print(file=sys.stderr)
    return found


def _effect(made: Atlas) -> str:
    return next(
        name for name in made.effects if not name.endswith((CONTROL, BROKEN)) and not name.startswith(SWING)
    )


def _alike(first: str, second: str) -> float:
    """Words in common over words in either (Jaccard)."""
    one, other = (set(re.findall(r"\w+", text.lower())) for text in (first, second))
    return len(one & other) / max(1, len(one | other))


def _section(loaded: LoadedModel, made: Atlas, texts: list[Text]) -> str:
    acting = [text for text in texts if text.acts]
    lines = [
        f"## {Path(loaded.name).name}, {loaded.block_count} blocks",
        "",
        f"{len({text.pair for text in texts})} pairs, k = {made.k}, {_effect(made).removeprefix('KL at ')}; "
        f"{len(made.origin.prompts)} prompts of {made.origin.prompt_set}. Of {len(texts)} signed vectors "
        f"{_share(acting, texts)} act, {_share([text for text in texts if text.noise], texts)} are noise.",
        "",
        "**Where.** By thirds of the model, source down and target across: the share that acts"
        + (", and how many modes of the organism its texts are in" if is_organism(loaded) else "")
        + ".",
        "",
        *_thirds(loaded, texts),
        "",
        "**What predicts it.** Rank correlation with KL within a pair, at the median, and area under the ROC curve for "
        "acting over all vectors, 0.5 is chance:",
        "",
        "| | within pairs, with KL | area for acting |",
        "|---|--:|--:|",
        f"| gain σ | {_within(texts, lambda text: text.gain)} | {_area(texts, [text.gain for text in texts])} |",
        f"| KL of the next token | | {_area(texts, [text.divergence for text in texts])} |",
        f"| row number, the first first | {_within(texts, lambda text: -text.row)} "
        f"| {_area(texts, [-text.row for text in texts])} |",
        "",
        f"The largest KL of a pair is row 0's in {_first_rows(texts)} of pairs. Rows in a band (σ within {BAND:.0%} of "
        f"another's): {_share([text for text in texts if text.in_band], texts)} of all, "
        f"{_share([text for text in acting if text.in_band], acting)} of those that act.",
        "",
        f"**Words.** The text begins with one of the vector's first 7 words for "
        f"{_share([text for text in acting if text.first_word is not None], acting)} of those that act.",
    ]
    return "\n".join(lines)


def _thirds(loaded: LoadedModel, texts: Sequence[Text]) -> list[str]:
    third = loaded.block_count / 3
    names = ("early", "middle", "late")
    lines = ["| | " + " | ".join(f"to {name}" for name in names) + " |", "|---|--:|--:|--:|"]
    for number, name in enumerate(names):
        cells = []
        for other in range(3):
            own = [text for text in texts if (int(text.pair[0] / third), int(text.pair[1] / third)) == (number, other)]
            acting = [text for text in own if text.acts]
            modes = {text.mode for text in acting if text.mode is not None}
            cells.append((_share(acting, own) + (f", {len(modes)}" if is_organism(loaded) else "")) if own else "")
        lines.append(f"| from {name} | " + " | ".join(cells) + " |")
    return lines


def _share(some: Sequence[object], of: Sequence[object]) -> str:
    return f"{len(some) / len(of):.0%}" if of else "none"


def _within(texts: Sequence[Text], of: Callable[[Text], float]) -> str:
    """Median over pairs of the rank correlation of a quantity with KL, the larger sign of each row."""
    found = []
    for own in _by_pair(texts):
        rows = {text.row: text for text in sorted(own, key=lambda text: text.divergence)}
        value = spearman([of(text) for text in rows.values()], [text.divergence for text in rows.values()])
        if value is not None:
            found.append(value)
    return f"{statistics.median(found):.2f}" if found else "none"


def _by_pair(texts: Sequence[Text]) -> Iterable[list[Text]]:
    pairs: dict[Pair, list[Text]] = {}
    for text in texts:
        pairs.setdefault(text.pair, []).append(text)
    return pairs.values()


def _area(texts: Sequence[Text], values: Sequence[float]) -> str:
    """Probability that a vector that acts has the larger value than one that does not."""
    acts = torch.tensor([text.acts for text in texts])
    value = torch.tensor(values, dtype=torch.float64)
    apart = value[acts][:, None] - value[~acts][None]
    if not apart.numel():
        return "none"
    return f"{float(((apart > 0).double() + 0.5 * (apart == 0).double()).mean()):.2f}"


def _first_rows(texts: Sequence[Text]) -> str:
    pairs = list(_by_pair(texts))
    return _share([own for own in pairs if max(own, key=lambda text: text.divergence).row == 0], pairs)


def _page(parts: Sequence[str], words_of_command: Sequence[str]) -> str:
    return "\n".join(
        [
            "# What atlases say",
            "",
            "Where models can be steered from, and whether gain, KL, words or bands predict it. Written by",
            f"`python -m tests.benchmarks.atlas_report {' '.join(words_of_command)}`, "
            f"{datetime.date.today().isoformat()}.",
            "",
            "A signed vector *acts* when its greedy text of 24 tokens, on a prompt that the atlas was not made on, is",
            "no noise and shares fewer than half of its words with the text without a push; all at one relative scale.",
            "",
            *[f"{part}\n" for part in parts],
            section_of(PAGE.read_text(encoding="utf-8")),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
