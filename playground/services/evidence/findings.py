"""Findings of the published work, each judged by a stated rule on the numbers of a stage: seen, not seen, or cannot
be told at this size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playground.services.evidence.choices import DIFFERENCE, MELBO, ONE, SEARCHED, SETS, SEVERAL
from playground.services.evidence.statistics import median

SEEN, NOT_SEEN, OPEN, NOT_RUN = "seen", "not seen", "cannot be told at this size", "not run"

Judged = tuple[str, str]
"""A verdict, and the numbers it rests on."""


@dataclass(frozen=True)
class Finding:
    """A claim of the published work, the stage that tests it, and its rule, in words and as a function."""

    stage: str
    claim: str
    rule: str
    judge: Callable[[Mapping[str, Any]], Judged]


def judged(stages: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Every finding with its verdict, also of stages that were not run."""
    found = []
    for finding in FINDINGS:
        stage = stages.get(finding.stage)
        verdict, numbers = (NOT_RUN, "") if stage is None else finding.judge(stage["data"])
        found.append(
            {"stage": finding.stage, "claim": finding.claim, "rule": finding.rule, "verdict": verdict,
             "numbers": numbers}
        )  # fmt: skip
    return found


def _line(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(line for line in data["best"] if line["set"] == name)


def _pattern(data: Mapping[str, Any], name: str) -> str:
    """"both ways" or "same way", as the changes of the best vector of a set have different or equal signs at ±s for
    some scale s; "neither" without changes whose interval lies beyond that of the best random direction at s.
    """
    beyond: dict[float, float] = {}
    for row in _line(data, "random")["rows"]:
        size = abs(row["relative"])
        beyond[size] = max(beyond.get(size, 0.0), abs(row["change_low"]), abs(row["change_high"]))
    ends = {}
    for row in _line(data, name)["rows"]:
        most = beyond[abs(row["relative"])]
        ends[row["relative"]] = 1 if row["change_low"] > most else -1 if row["change_high"] < -most else 0
    products = [ends[scale] * ends[-scale] for scale in ends if scale > 0 and -scale in ends]
    if any(one < 0 for one in products):
        return "both ways"
    return "same way" if any(one > 0 for one in products) else "neither"


def _axis(data: Mapping[str, Any]) -> Judged:
    pattern = _pattern(data, SEVERAL)
    verdict = {"both ways": SEEN, "same way": NOT_SEEN, "neither": OPEN}[pattern]
    return verdict, f"{SEVERAL}: {pattern}"


def _same_way(data: Mapping[str, Any]) -> Judged:
    patterns = {name: _pattern(data, name) for name in (ONE, MELBO)}
    numbers = ", ".join(f"{name}: {pattern}" for name, pattern in patterns.items())
    if all(pattern == "same way" for pattern in patterns.values()):
        return SEEN, numbers
    return (NOT_SEEN if "both ways" in patterns.values() else OPEN), numbers


def _largest(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return max(line["rows"], key=lambda row: abs(row["change"]))


def _beyond_random(data: Mapping[str, Any]) -> Judged:
    """Of the best method: its largest change against the largest of as many random directions."""
    lines = {name: _largest(_line(data, name)) for name in (*SETS, "random")}
    numbers = ", ".join(f"{name} {row['change']:+.2f}" for name, row in lines.items())
    best = max(SETS, key=lambda name: abs(lines[name]["change"]))
    least = min(abs(lines[best]["change_low"]), abs(lines[best]["change_high"]))
    most = max(abs(lines["random"]["change_low"]), abs(lines["random"]["change_high"]))
    if least > most and lines[best]["change_low"] * lines[best]["change_high"] > 0:
        return SEEN, numbers
    return (NOT_SEEN if abs(lines[best]["change"]) <= abs(lines["random"]["change"]) else OPEN), numbers


def _several_beat_one(data: Mapping[str, Any]) -> Judged:
    several, one = (_largest(_line(data, name)) for name in (SEVERAL, ONE))
    numbers = f"largest change {abs(several['change']):.2f} against {abs(one['change']):.2f} nats"
    bounds = [sorted((abs(row["change_low"]), abs(row["change_high"]))) for row in (several, one)]
    if bounds[0][0] > bounds[1][1]:
        return SEEN, numbers
    return (NOT_SEEN if bounds[1][0] > bounds[0][1] else OPEN), numbers


def _difference_weaker(data: Mapping[str, Any]) -> Judged:
    """Whether the best of the searched directions reaches a larger share than the mean difference, either way."""
    share = data["baseline"]["share"]
    reached = {name: max(abs(row["share"] - share) for row in _line(data, name)["rows"]) for name in SETS}
    numbers = ", ".join(f"{name} {100 * value:.0f} points" for name, value in reached.items())
    ahead = max(reached[name] for name in SEARCHED) - reached[DIFFERENCE]
    # Two standard errors of a difference of two shares at a half, which is the widest.
    width = 2 * (0.5 / max(data["asked"], 1)) ** 0.5
    return (SEEN if ahead > width else NOT_SEEN if ahead < -width else OPEN), numbers


def _replies(data: Mapping[str, Any]) -> Judged:
    """Whether shares of replies change in the direction of the logit differences, for the best vector of each set."""
    baseline = next(one for one in data["replies"] if one["name"] == "baseline")
    share = baseline["shares"]["matching"]
    agree, against, told = 0, 0, []
    for name in SETS:
        line = _line(data, name)
        rows = {round(row["relative"], 4): row for row in line["rows"]}
        for reply in data["replies"]:
            row = rows.get(round(reply["relative"], 4))
            if reply["name"] != line["name"] or row is None:
                continue
            own = reply["shares"]["matching"]
            moved = 1 if own["low"] > share["high"] else -1 if own["high"] < share["low"] else 0
            logit = 1 if row["change_low"] > 0 else -1 if row["change_high"] < 0 else 0
            agree += moved * logit > 0
            against += moved * logit < 0
            told.append(abs(own["share"] - share["share"]))
    unclear = baseline["shares"]["unclear"]["share"]
    numbers = (
        f"{agree} of {len(told)} move as the logits do, {against} against; baseline gives the answer in "
        f"{100 * share['share']:.0f} %, unclear {100 * unclear:.0f} %"
    )
    if unclear > 0.5 or agree + against == 0:
        return OPEN, numbers
    return (SEEN if agree > against else NOT_SEEN), numbers


def _unclear(data: Mapping[str, Any]) -> Judged:
    vectors = [one for one in data["replies"] if one["name"] != "baseline" and "random-" not in one["name"]]
    largest = max(abs(one["relative"]) for one in vectors)
    baseline = next(one for one in data["replies"] if one["name"] == "baseline")["shares"]["unclear"]
    unclear = [one["shares"]["unclear"] for one in vectors if abs(one["relative"]) == largest]
    most = max(unclear, key=lambda one: one["share"])
    mean = sum(one["share"] for one in unclear) / len(unclear)
    numbers = f"{100 * baseline['share']:.0f} % without steering, {100 * mean:.0f} % at ±{largest:.3g}"
    if most["low"] > baseline["high"]:
        return SEEN, numbers
    return (NOT_SEEN if mean <= baseline["share"] else OPEN), numbers


def _steered_angles(data: Mapping[str, Any]) -> Judged:
    own, pushed = data["angles"]["steered"], data["angles"]["pushed"]
    numbers = f"{min(own):.0f}–{max(own):.0f}°, at a random push {min(pushed):.0f}–{max(pushed):.0f}°"
    middle, control = median(own) or 0.0, median(pushed) or 0.0
    if not data["converged"]["steered"] or not data["converged"]["unsteered"]:
        return OPEN, f"{numbers}, not converged"
    if middle > 45:
        return (SEEN if middle > control + 10 else OPEN), numbers
    return NOT_SEEN, numbers


def _steered_gain(data: Mapping[str, Any]) -> Judged:
    own, pushed, still = (data["spectra"][name][0] for name in ("steered", "pushed", "unsteered"))
    numbers = f"σ₁ {still:.3g} unsteered, {own:.3g} at the mean difference, {pushed:.3g} at a random push"
    if own > 1.1 * still:
        return (SEEN if own > 1.1 * pushed else OPEN), numbers
    return (NOT_SEEN if own < still else OPEN), numbers


def _started(data: Mapping[str, Any]) -> Judged:
    largest = max(data["angles"]["started"])
    numbers = f"largest angle {largest:.1f}°"
    return (SEEN if largest < 5 else NOT_SEEN if largest > 15 and data["converged"]["started"] else OPEN), numbers


def _one_against_several(data: Mapping[str, Any]) -> Judged:
    own, random = data["angles"]["one"], data["angles"]["random"]
    numbers = f"{min(own):.0f}–{max(own):.0f}°, random directions {min(random):.0f}–{max(random):.0f}°"
    middle = median(own) or 0.0
    return (SEEN if middle > 45 else NOT_SEEN if middle < 30 else OPEN), numbers


def _melbo_near(data: Mapping[str, Any]) -> Judged:
    first = data["radii"][0]
    own, random = median(first["cosines"]) or 0.0, max(first["random_cosines"])
    numbers = f"median largest |cosine| {own:.2f} at radius {first['relative']:g}, random at most {random:.2f}"
    return (SEEN if own > 0.7 else NOT_SEEN if own <= random else OPEN), numbers


def _melbo_gain(data: Mapping[str, Any]) -> Judged:
    most = {
        name: max(max(g["over_first"] for g in one["gains"][name]) for one in data["radii"])
        for name in ("melbo", "singular", "random")
    }
    last = data["radii"][-1]["gains"]
    at = {name: max(gain["over_first"] for gain in last[name]) for name in last}
    numbers = (
        f"at radius {data['radii'][-1]['relative']:g} MELBO {at['melbo']:.2f} × R·σ₁, singular vectors "
        f"{at['singular']:.2f}, random {at['random']:.2f}"
    )
    if most["melbo"] > 1.05 and at["melbo"] > 1.05 * max(at["singular"], at["random"]):
        return SEEN, numbers
    return (NOT_SEEN if at["melbo"] <= max(at["singular"], at["random"]) else OPEN), numbers


def _copies_hold(data: Mapping[str, Any]) -> Judged:
    own, random = data["held"]["copies"], data["held"]["random_large"]
    numbers = f"{own['hits']} of {own['total']} copies, {random['hits']} of {random['total']} random as large"
    if own["low"] > random["high"]:
        return SEEN, numbers
    return (NOT_SEEN if own["high"] < 0.1 or own["share"] <= random["share"] else OPEN), numbers


def _copies_below(data: Mapping[str, Any]) -> Judged:
    middle, unsteered = median(data["kl"]["copies"]) or 0.0, data["unsteered"]
    numbers = f"median KL {middle:.2f}, unsteered {unsteered:.2f} nats"
    if unsteered < 0.5:
        return OPEN, f"{numbers}: the base itself does little"
    return (SEEN if middle < 0.1 * unsteered else NOT_SEEN if middle > 0.5 * unsteered else OPEN), numbers


def _copies_norm(data: Mapping[str, Any]) -> Judged:
    ratio = (median(data["norms"]) or 0.0) / data["base_norm"]
    return (SEEN if ratio > 1.5 else NOT_SEEN if ratio < 1 else OPEN), f"median norm {ratio:.2f} × the base's"


def _copies_rescaled(data: Mapping[str, Any]) -> Judged:
    held, native = data["held"]["rescaled"], data["held"]["copies"]
    numbers = f"{held['hits']} of {held['total']} hold at the base's norm, {native['hits']} in native norm"
    if native["hits"] < 10:
        return OPEN, f"{numbers}: too few to compare"
    return (SEEN if held["high"] < native["low"] else NOT_SEEN if held["share"] >= native["share"] else OPEN), numbers


def _copies_mean(data: Mapping[str, Any]) -> Judged:
    kl, unsteered = data["averages"].get("first 20"), data["unsteered"]
    if kl is None or data["held"]["copies"]["hits"] < 10:
        return OPEN, "fewer than 20 copies, or than 10 that hold"
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in data["averages"].items())
    return (SEEN if kl >= unsteered else NOT_SEEN if kl < 0.5 * unsteered else OPEN), f"KL to the base: {numbers}"


def _weak_guide(data: Mapping[str, Any]) -> Judged:
    one = data["correlations"]["singular"].get("gain with kl_fixed")
    if one is None or one["value"] is None or one["low"] is None:
        return OPEN, "too few"
    numbers = f"Spearman {one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}], n {one['n']}"
    return (SEEN if one["high"] < 0.5 else NOT_SEEN if one["low"] > 0.5 else OPEN), numbers


def _one_sign(data: Mapping[str, Any]) -> Judged:
    own, random = (data["signs"][kind] for kind in ("singular", "random"))
    share = own["one_only"]
    if share["share"] is None:
        return OPEN, "no direction acts at the fixed scale"
    numbers = f"{own['one']} of {share['total']} that act, random {random['one']} of {random['one_only']['total']}"
    return (SEEN if share["low"] > 0.2 else NOT_SEEN if share["high"] < 0.2 else OPEN), numbers


def _scales_differ(data: Mapping[str, Any]) -> Judged:
    breaks = [one["break"] for one in data["records"] if one["kind"] == "singular" and one["break"] is not None]
    if len(breaks) < 4:
        return OPEN, f"{len(breaks)} breaks"
    ratio = max(breaks) / min(breaks)
    return (SEEN if ratio > 3 else NOT_SEEN if ratio < 1.5 else OPEN), f"largest over smallest break {ratio:.1f}"


def _kl_and_text(data: Mapping[str, Any]) -> Judged:
    one = data["correlations"]["singular"].get("kl_fixed with change_fixed")
    if one is None or one["value"] is None or one["low"] is None:
        return OPEN, "too few"
    numbers = f"Spearman {one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}], n {one['n']}"
    return (SEEN if one["low"] > 0 else NOT_SEEN if one["high"] < 0 else OPEN), numbers


FINDINGS = (
    Finding("choices", "Several prompts give one axis that works in both directions",
            "changes of opposite sign at ±s, intervals beyond what the best random direction does there", _axis),
    Finding("choices", "One prompt and MELBO push the same way at both ends",
            "changes of equal sign at ±s for both, intervals beyond random", _same_way),
    Finding("choices", "The best method moves the choice further than random directions",
            "its interval lies beyond that of the best of as many random directions", _beyond_random),
    Finding("choices", "Several prompts move the choice further than one", "intervals of the largest changes apart",
            _several_beat_one),
    Finding("choices", "Searched directions move more answers than the mean difference",
            "change of the share of items ahead by two standard errors", _difference_weaker),
    Finding("choices", "What the logits say survives generation",
            "more significant shares of replies move as the logits do than against", _replies),
    Finding("choices", "Large scales make replies unclear", "Wilson intervals of the unclear share apart", _unclear),
    Finding("steered", "At a mean difference the subspace is another one (72–87°)",
            "median principal angle above 45° and 10° above that of a random push of equal norm", _steered_angles),
    Finding("steered", "At a mean difference gains are larger",
            "σ₁ at least 1.1 × the unsteered one and that of a random push", _steered_gain),
    Finding("steered", "Started from a mean difference the same subspace is found", "all angles below 5°", _started),
    Finding("steered", "One prompt and several span different subspaces (47–77°)", "median angle above 45°",
            _one_against_several),
    Finding("melbo", "At a small radius MELBO finds the singular vectors", "median largest |cosine| above 0.7",
            _melbo_near),
    Finding("melbo", "MELBO gains displacement over the linear prediction R·σ₁ and over the singular vectors",
            "more than 5 % beyond both at the largest radius", _melbo_gain),
    Finding("copies", "Many orthogonal copies hold the effect",
            "KL to the base below half the unsteered one, Wilson interval beyond that of random pushes as large",
            _copies_hold),
    Finding("copies", "KL of the copies to the base is near zero", "median below a tenth of the unsteered one",
            _copies_below),
    Finding("copies", "Copies are larger than the base (about 3 ×)", "median norm above 1.5 ×", _copies_norm),
    Finding("copies", "Rescaled to the base's norm they lose the effect", "intervals of the shares that hold apart",
            _copies_rescaled),
    Finding("copies", "The mean of the first 20 copies loses the effect", "KL to the base at least the unsteered one",
            _copies_mean),
    Finding("effects", "Gain is a weak guide to effect (Spearman 0.13–0.26)", "interval of Spearman(σ, KL) below 0.5",
            _weak_guide),
    Finding("effects", "KL of the next token goes with the change of the text", "interval of Spearman above 0",
            _kl_and_text),
    Finding("effects", "Many directions act in one sign only (43.6 %)", "Wilson interval above 20 %", _one_sign),
    Finding("effects", "Directions bear very different scales", "largest break above 3 × the smallest",
            _scales_differ),
)  # fmt: skip
