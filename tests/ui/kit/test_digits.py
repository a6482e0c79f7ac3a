"""Numbers on the page."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playground.ui.kit.digits import digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7020.4, "7,020"), (12345.0, "12,300"), (-1.5, "−1.5"), (0.01234, "0.0123"), (0, "0"), (18.0, "18"),
        (999.9, "1,000"), (2.1e-6, "2.1 × 10⁻⁶"), (-3e20, "−3 × 10²⁰"), (0.00012, "0.00012"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_it_is_read(value: float, text: str) -> None:
    assert digits(value) == text


@example(10.0, 1)
@example(100.0, 2)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(1, 6))
def test_what_is_written_is_the_number_to_its_digits(value: float, most: int) -> None:
    text = digits(value, most)
    assert "e" not in text
    assert "-" not in text
    base, _, power = text.replace("−", "-").replace(",", "").partition(" × 10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if power else 0
    assert math.isclose(float(base) * 10.0**exponent, float(f"{value:.{most}g}"), rel_tol=1e-9)
