"""Markdown page of the evidence: findings with verdicts, tables, texts and figures, from the data of the stages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.library.atomic import write_atomically
from playground.model.adapter import short_name
from playground.services.evidence.findings import judged
from playground.services.evidence.request import STAGES, EvidenceRequest

TITLES = {
    "choices": "1. Methods on a choice set",
    "steered": "2. The Jacobian at a steered point",
    "melbo": "3. MELBO beside singular vectors",
    "copies": "4. Orthogonal copies",
    "effects": "5. What predicts an effect",
}


def write_page(
    folder: Path, model: str, request: EvidenceRequest, stages: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Write evidence.md into the folder, and return the findings in it. Raises FileError."""
    findings = judged(stages)
    called = short_name(model)
    lines = [
        f"# Evidence on {called}",
        "",
        f"Experiments of the published work, repeated by `python -m playground evidence` (size {request.size}, seed "
        f"{request.seed}). Intervals are 95 %: bootstrap for means and rank correlations, Wilson for shares. Random "
        "directions stand beside everything; one of several vectors is picked on the items it is shown on, and so is "
        "the best random one of as many. Verdicts follow from the rules in the table, in code.",
        "",
        *_table(
            ("published finding", "here", "numbers", "rule"),
            [(one["claim"], f"**{one['verdict']}**", one["numbers"] or "–", one["rule"]) for one in findings],
        ),
    ]
    for stage in STAGES:
        lines += ["", f"## {TITLES[stage]}", ""]
        document = stages.get(stage)
        if document is None:
            lines.append("Not run.")
            continue
        data = document["data"]
        lines += [*_PARTS[stage](data), ""]
        lines += [f"![{name}]({name})" for name in document["figures"]]
        lines += ["", f"Numbers: [{stage}.json]({stage}.json), {document['seconds']:.0f} s on {document['device']}, "
                  f"{document['dtype']}."]  # fmt: skip
    write_atomically(folder / "evidence.md", ("\n".join(lines) + "\n").encode())
    return findings


def _choices(data: Mapping[str, Any]) -> list[str]:
    scales = [row["relative"] for row in data["best"][0]["rows"]]
    rows = []
    for line in data["best"]:
        cells = [f"{row['mean']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}], {100 * row['share']:.0f} %"
                 for row in line["rows"]]  # fmt: skip
        rows.append((f"{line['set']} (best of {line['tried']})", *cells))
    replies = []
    for reply in data["replies"]:
        shares = reply["shares"]
        cells = [f"{100 * one['share']:.0f} % [{100 * one['low']:.0f}, {100 * one['high']:.0f}]"
                 for one in shares.values()]  # fmt: skip
        replies.append((reply["name"], f"{reply['relative']:+.3g}", *cells))
    baseline = data["baseline"]
    return [
        f"`{data['set']}`, balanced by letter: found on {data['found_on']} items, judged on {data['asked']} others; "
        f"layers {data['layers'][0]} → {data['layers'][1]}; scales in reference norms ({data['reference']:.4g}). "
        f"Baseline {baseline['mean']:+.2f} [{baseline['low']:+.2f}, {baseline['high']:+.2f}], "
        f"{100 * baseline['share']:.0f} % of items. Cells: mean logit difference / nats with its interval, share of "
        "items above 0.",
        "",
        *_table(("set", *(f"{scale:+.3g}" for scale in scales)), rows),
        "",
        "The same by generation: share of replies that give the answer, the other one, or are unclear.",
        "",
        *_table(("direction", "scale", *data["replies"][0]["shares"]), replies),
    ]


def _steered(data: Mapping[str, Any]) -> list[str]:
    rows = [
        (name, " ".join(f"{value:.3g}" for value in data["spectra"].get(name, ())) or "–",
         " ".join(f"{angle:.0f}" for angle in data["angles"].get(name, ())) or "–")
        for name in ("unsteered", *data["angles"])
    ]  # fmt: skip
    return [
        f"Prompts: {data['count']} of `{data['prompts']}`, layers {data['layers'][0]} → {data['layers'][1]}; mean "
        f"difference over {data['pairs']} pairs of `{data['contrast']}`, of native norm {data['native_norm']:.3g}, "
        f"scaled to {data['norm']:.3g} ({data['norm'] / data['reference']:.2g} reference "
        "norms). Angles are to the unsteered span. steered: θ₀ is the mean difference; "
        "started: power iteration starts from it; pushed: θ₀ is random with its norm; one: the "
        "first prompt alone.",
        "",
        *_table(("", "σ", "principal angles / °"), rows),
    ]


def _melbo(data: Mapping[str, Any]) -> list[str]:
    rows = []
    for one in data["radii"]:
        gains = {name: max(gain["over_first"] for gain in gains) for name, gains in one["gains"].items()}
        own = max(gain["over_own"] for gain in one["gains"]["melbo"])
        rows.append(
            (f"{one['relative']:g}", *(f"{gains[name]:.2f}" for name in ("melbo", "singular", "random")), f"{own:.2f}",
             " ".join(f"{value:.2f}" for value in one["cosines"]), f"{max(one['random_cosines']):.2f}",
             " ".join(f"{value:.0f}" for value in one["angles"]), f"{min(one['random_angles']):.0f}")
        )  # fmt: skip
    return [
        f"Prompts: {data['count']} of `{data['prompts']}`, layers {data['layers'][0]} → {data['layers'][1]}, "
        f"{data['steps']} steps. Displacement of the best vector over R·σ₁ in its better sign, of MELBO's over its own "
        "linear prediction too, largest |cosine| of each MELBO vector with a singular one, angles between the spans.",
        "",
        *_table(("R", "MELBO", "singular", "random", "over its own Jv", "cosines", "random ≤", "angles / °",
                 "random ≥"), rows),
    ]  # fmt: skip


def _copies(data: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in data["kl"]:
        held, below = data["held"][name], data["below_unsteered"][name]
        rows.append(
            (name.replace("_", " "), f"{held['hits']} of {held['total']} [{100 * held['low']:.0f}, "
             f"{100 * held['high']:.0f} %]", f"{below['hits']} of {below['total']}")
        )  # fmt: skip
    averages = [(name, f"{value:.2f}") for name, value in data["averages"].items()]
    texts = [(name, _cell(text)) for name, text in data["texts"].items()]
    return [
        f"Base `{data['base']}`, the strongest of {data['base_tried']} signed vectors at their found scales, norm "
        f"{data['base_norm']:.3g}; layers {data['layers'][0]} → {data['layers'][1]}; {data['tried']} copies tried, "
        f"{data['steps']} steps a batch. KL(unsteered ‖ base) {data['unsteered']:.2f} nats. A direction holds the "
        "effect when its KL to the base is below half of that.",
        "",
        *_table(("directions", "hold", "below unsteered"), rows),
        "",
        *_table(("average of", "KL to the base / nats"), averages),
        "",
        f"Prompt: {_cell(data['prompt'])}",
        "",
        *_table(("push", "greedy text"), texts),
    ]


def _effects(data: Mapping[str, Any]) -> list[str]:
    correlations = []
    for kind, pairs in data["correlations"].items():
        for name, one in pairs.items():
            correlations.append((kind, name.replace("_", " at "), _interval(one), str(one["n"])))
    signs = [(kind, *(str(one[key]) for key in ("both", "one", "none"))) for kind, one in data["signs"].items()]
    blocks = [
        (str(one["source"]), one["kind"], *(_number(one[key]) for key in ("onset", "found", "break", "kl_fixed")),
         f"{one['windows']['hits']} of {one['windows']['total']}")
        for one in data["blocks"]
    ]  # fmt: skip
    return [
        f"Prompts: {data['count']} of `{data['prompts']}`. Rank correlations within a source block, pooled; scales in "
        f"reference norms, fixed is {data['fixed']:g}; a direction acts when KL is at least 0.5 nats there.",
        "",
        *_table(("directions", "Spearman of", "ρ", "n"), correlations),
        "",
        *_table(("directions", "act both ways", "one way", "neither"), signs),
        "",
        *_table(("source", "directions", "onset", "found", "break", "KL at fixed", "with a window"), blocks),
    ]


_PARTS = {"choices": _choices, "steered": _steered, "melbo": _melbo, "copies": _copies, "effects": _effects}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def _cell(text: str) -> str:
    """A text on one line, escaped for Markdown."""
    text = re.sub(r"([\\`*_<>\[\]#])", r"\\\1", " ".join(text.split()))
    return text if text else "(empty)"


def _interval(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "–"
    return f"{one['value']:.2f}" + ("" if one["low"] is None else f" [{one['low']:.2f}, {one['high']:.2f}]")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
