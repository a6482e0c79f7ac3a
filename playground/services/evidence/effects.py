"""Stage 5: predictors of an effect. Gain, KL and change of text of singular and random directions, by block."""

from __future__ import annotations

from typing import Any

import torch
from scipy.stats import rankdata

from playground.library.vector_set import VectorSet
from playground.model.prompting import Encoded, encode
from playground.services.changed import changed_share
from playground.services.evidence import svg
from playground.services.evidence.context import StageContext, prompts_of_set
from playground.services.evidence.request import EffectsSettings
from playground.services.evidence.statistics import correlation, median, proportion
from playground.services.evidence.svg import Axes, Bars, Points
from playground.services.scales import ScalesRequest, find_scales

ACTS = 0.5
"""KL of the next token in nats from which a direction counts as acting, at the fixed scale."""


def run(context: StageContext, settings: EffectsSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and figures of the stage."""
    blocks = context.loaded.block_count
    prompts, how = prompts_of_set(settings.prompts, settings.count)
    encoded = encode(context.loaded, prompts, how)
    sources = sorted({min(int(depth * blocks), blocks - 2) for depth in settings.depths})
    records: list[dict[str, Any]] = []
    for source in sources:
        layers = (source, min(source + max(blocks // 2, 1), blocks - 1))
        for kind, method in (("singular", "power"), ("random", "random")):
            found = context.find(
                f"{kind}-{source}", method, layers=layers, prompts=prompts, format=how, vectors=settings.vectors
            )
            records += _records(context, settings, found, kind, encoded)
    singular = [one for one in records if one["kind"] == "singular"]
    data = {
        "prompts": settings.prompts, "count": len(prompts), "sources": sources, "fixed": settings.fixed,
        "correlations": {kind: _correlations(records, kind, context.seed) for kind in ("singular", "random")},
        "signs": {kind: _signs([one for one in records if one["kind"] == kind]) for kind in ("singular", "random")},
        "blocks": [_block(records, source, kind) for source in sources for kind in ("singular", "random")],
        "records": records,
    }  # fmt: skip
    categories = [str(source) for source in sources]
    figures = {
        "effects-gain.svg": svg.points(
            [
                Points(f"source {source}", [one["gain"] for one in singular if one["source"] == source],
                       [one["kl_fixed"] for one in singular if one["source"] == source])
                for source in sources
            ],
            Axes("σ", f"KL at relative scale {settings.fixed:g} / nats", low=0),
            "Singular value and KL of the next token at a fixed scale",
        ),
        "effects-blocks.svg": svg.bars(
            categories,
            [
                Bars(f"{name}, {kind}", [_number(_block(records, source, kind)[name]) for source in sources],
                     role="main" if kind == "singular" else "random")
                for name in ("onset", "break") for kind in ("singular", "random")
            ],
            Axes("source block", "median relative scale"),
            "Onset and break by source block",
        ),
    }  # fmt: skip
    return data, figures


def _records(
    context: StageContext, settings: EffectsSettings, found: VectorSet, kind: str, encoded: Encoded
) -> list[dict[str, Any]]:
    """One record per row and sign: gain, onset, break, KL and change of the text at the found and the fixed scale."""
    request = ScalesRequest(texts=settings.texts, prompts=min(3, settings.count), tokens=settings.tokens)
    found = find_scales(
        context.loaded, found, request, lambda event: context.tell(f"{found.name} · scales {event.share:.0%}"),
        context.cancelled,
    )  # fmt: skip
    context.check()
    origin = found.origin
    reference, source = origin.residual_norm, origin.source
    places = [(row, sign) for row in range(found.rows) for sign in (1, -1)]
    windows = [found.window(row, sign) for row, sign in places]
    fixed = torch.stack([sign * settings.fixed * reference * found.unit(row) for row, sign in places])
    able = {number: one.found for number, one in enumerate(windows) if one is not None and one.found is not None}
    at_found = [places[number][1] * scale * found.unit(places[number][0]) for number, scale in able.items()]
    baseline, *texts = context.texts([*fixed, *at_found], source, encoded, settings.tokens)
    kl_fixed = context.kl(fixed, source, encoded).tolist()
    kl_found = dict(zip(able, context.kl(torch.stack(at_found), source, encoded).tolist() if able else [], strict=True))
    texts_found = dict(zip(able, texts[len(fixed) :], strict=True))
    records = []
    for number, ((row, sign), window) in enumerate(zip(places, windows, strict=True)):
        gain = None if found.singular_values is None else float(found.singular_values[row])

        def relative(scale: float | None) -> float | None:
            return None if scale is None else scale / reference

        records.append(
            {
                "kind": kind, "source": source, "row": row, "sign": sign, "gain": gain,
                "kl_fixed": kl_fixed[number], "change_fixed": changed_share(baseline, texts[number]),
                "onset": relative(window.onset) if window else None,
                "break": relative(window.break_) if window else None,
                "found": relative(window.found) if window else None,
                "kl_found": kl_found.get(number),
                "change_found": changed_share(baseline, texts_found[number]) if number in texts_found else None,
                "text_fixed": texts[number], "text_found": texts_found.get(number),
            }
        )  # fmt: skip
    return records


def _correlations(records: list[dict[str, Any]], kind: str, seed: int) -> dict[str, Any]:
    """Rank correlations within each source, by ranks centred there, pooled. None where a side is missing."""
    pairs = (
        ("gain", "kl_fixed"), ("gain", "kl_found"), ("gain", "change_found"), ("gain", "found"),
        ("kl_fixed", "change_fixed"), ("kl_found", "change_found"),
    )  # fmt: skip
    own = [one for one in records if one["kind"] == kind]
    found = {}
    for first, second in pairs:
        x: list[float] = []
        y: list[float] = []
        for source in sorted({one["source"] for one in own}):
            here = [one for one in own if one["source"] == source]
            here = [one for one in here if one[first] is not None and one[second] is not None]
            x += _centred([one[first] for one in here])
            y += _centred([one[second] for one in here])
        if x:
            found[f"{first} with {second}"] = correlation(x, y, seed)
    return found


def _centred(values: list[float]) -> list[float]:
    """Ranks as parts of the group, about its middle: groups of different levels can then be pooled."""
    return [(rank - (len(values) + 1) / 2) / len(values) for rank in rankdata(values).tolist()]


def _signs(records: list[dict[str, Any]]) -> dict[str, Any]:
    """How many rows act in both signs, one or none at the fixed scale; and the share of those that act in one only."""
    acting: dict[tuple[int, int], int] = {}
    for one in records:
        key = (one["source"], one["row"])
        acting[key] = acting.get(key, 0) + (one["kl_fixed"] >= ACTS)
    counts = [list(acting.values()).count(number) for number in (0, 1, 2)]
    return {"none": counts[0], "one": counts[1], "both": counts[2], "one_only": proportion(counts[1], sum(counts[1:]))}


def _block(records: list[dict[str, Any]], source: int, kind: str) -> dict[str, Any]:
    here = [one for one in records if one["source"] == source and one["kind"] == kind]
    medians = {
        name: median([one[name] for one in here if one[name] is not None])
        for name in ("onset", "break", "found", "kl_fixed", "change_found")
    }
    return {"source": source, "kind": kind, "signed": len(here)} | medians | {
        "windows": proportion(sum(one["found"] is not None for one in here), len(here))
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
