"""Numbers as people read them: three digits, thousands apart, a minus sign, no e+03."""

from __future__ import annotations

import math

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def digits(value: float, most: int = 3) -> str:
    """`value` with at most `most` significant digits: 0.0123, 7,020, −1.5, 2.1 × 10⁻⁶."""
    if not math.isfinite(value):
        return str(value)
    rounded = float(f"{value:.{most}g}")
    size = abs(rounded)
    if size and (size < 1e-4 or size >= 1e15):
        base, _, power = f"{rounded:.{most - 1}e}".partition("e")
        text = f"{base.rstrip('0').rstrip('.')} × 10{str(int(power)).translate(_RAISED)}"
    elif size >= min(1000, 10 ** (most - 1)):  # whole, and what .g would write as 1e+02
        text = f"{rounded:,.0f}"
    else:
        text = f"{rounded:.{most}g}"
    return text.replace("-", "−")
