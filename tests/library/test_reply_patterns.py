"""library/reply_patterns.py: patterns of strangers are searched for in time that grows with the text only."""

from __future__ import annotations

import time

import pytest

from playground.errors import InputError
from playground.library.reply_patterns import MAX_READ, ReplyPattern, check_patterns, parse


def test_a_pattern_is_found_anywhere_in_a_reply():
    code = ReplyPattern("code", r"(?i)\bdef \w+\(|```python")
    assert code.matches("Sure:\nDef main():")
    assert not code.matches("undef main(")
    assert ReplyPattern("end", r"(?m)^x$").matches("a\nx\nb")


@pytest.mark.parametrize("regex", [r"(a+)+$", r"(a|a)*b", r"(.*)*=", r"(?:[ab]?){500}b", r"(?:(?:.|a)?){380}[\n]"])
def test_a_pattern_that_would_hang_a_backtracking_search_ends(regex):
    pattern = ReplyPattern("slow", regex)
    begun = time.perf_counter()
    assert not pattern.matches("a" * (MAX_READ - 1) + "!")
    assert time.perf_counter() - begun < 5  # with backtracking longer than the age of the universe


def test_the_end_of_a_very_long_reply_is_not_searched():
    assert ReplyPattern("x", "x").matches("a" * (MAX_READ - 1) + "x")
    assert not ReplyPattern("x", "x").matches("a" * MAX_READ + "x")


def test_a_pattern_is_typed_with_its_name():
    assert parse(" two words = a=b ") == ReplyPattern("two words", "a=b")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: parse("please"), "Expected a pattern as NAME=REGEX, got 'please'"),
        (lambda: parse("=x"), "Expected a name of 1 to 40 characters"),
        (lambda: ReplyPattern("a,b", "x"), "Expected a name of 1 to 40 characters"),
        (lambda: ReplyPattern("rest", "x"), "Expected a name other than rest"),
        (lambda: ReplyPattern("a", ""), "Expected a pattern of 1 to 300 characters for a, got 0"),
        (lambda: ReplyPattern("a", None), "Expected a pattern of 1 to 300 characters for a, got None"),
        (lambda: ReplyPattern("a", "x" * 301), "got 301"),
        (lambda: ReplyPattern("a", "(x"), r"Expected a regular expression, got '\(x': unclosed group; mend"),
        (lambda: ReplyPattern("a", r"(x)\1"), "backreferences are not supported"),
        (lambda: ReplyPattern("a", "(?=x)"), "look-ahead and look-behind, is not supported"),
        (lambda: ReplyPattern("a", "(a{2}b{1,40}){50}"), "multiply to at most 470 .* as long as a, got 4000"),
        (lambda: ReplyPattern("a", "(?:" + "[ab]?[bc]?" * 28 + "){1000}[xyz]"), "at most 27 .*, got 1000"),
        (lambda: ReplyPattern("a", "(?x)((?:[ab]?){ 100 #9\n}){ 100 }"), "at most 250 .*, got 10000"),
        (lambda: check_patterns([ReplyPattern("a", "x")] * 2), "different names, got 'a' twice"),
        (lambda: check_patterns([ReplyPattern(str(i), "x") for i in range(17)]), "at most 16 patterns, got 17"),
    ],
)
def test_what_is_no_pattern_is_one_sentence(make, said):
    with pytest.raises(InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
