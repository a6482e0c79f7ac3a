"""Links: what is written is read back, and whatever a stranger may send is one sentence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.core.positions import POSITIONS
from playground.errors import InputError
from playground.limits import LIMITS, PUBLIC, tightened
from playground.model.conversation import Turn
from playground.model.generation.sampling import Sampling
from playground.services.link import BESIDE, Address, Link, LinkedRow, decode, encode, fragment

NAMES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,20}[A-Za-z0-9_+-])?", fullmatch=True)
HASHES = st.text("0123456789abcdef", min_size=16, max_size=16)
ROWS = st.from_regex(r"[0-9]{1,9}|first:[0-9]{1,9}|mean:[0-9]{1,9}-[0-9]{1,9}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
REAL = st.floats(allow_nan=False, allow_infinity=False)
FULL = Link(
    prompt="What & why?\nA = 1 + 1 #2 100 % “ü” 🙂",
    model="organism",
    fingerprint="0123456789abcdef",
    system="You are kind.",
    turns=(Turn("user", "Hi"), Turn("assistant", "Hello")),
    positions="generated",
    mix=(
        LinkedRow("smol-refusals", "0123456789abcdef", "3", -0.566, "r", mute=True),
        LinkedRow("(not saved)", "f" * 16, "first:12", 1.5, "n", solo=True),
        LinkedRow("a b+c", "0" * 16, "mean:0-4", 1e-07, "r"),
    ),
    sampling=Sampling(max_new_tokens=48, temperature=0.7, top_p=0.95, seed=7),
    samples=3,
    answers=("class", " I"),
    beside=("negative",),
)


@st.composite
def links(draw):
    absolute = draw(st.booleans())
    units = st.sampled_from(("n", "a" if absolute else "r"))
    rows = st.builds(LinkedRow, NAMES, HASHES, ROWS, REAL, units, st.booleans(), st.booleans())
    sampling = st.builds(
        Sampling,
        max_new_tokens=st.integers(1, LIMITS.new_tokens),
        temperature=st.floats(0, 100),
        top_p=st.floats(0, 1, exclude_min=True),
        seed=st.integers(0, 2**63 - 1),
    )
    said = TEXTS.filter(str.strip)
    turns = draw(st.lists(st.tuples(said, said), max_size=2))
    return Link(
        prompt=draw(TEXTS),
        model=(model := draw(st.sampled_from(("", "organism", "HuggingFaceTB/SmolLM2-135M~x", "a b")))),
        fingerprint=draw(HASHES) if model else "",
        chat=draw(st.booleans()),
        thinking=draw(st.booleans()),
        system=draw(TEXTS),
        turns=tuple(t for user, other in turns for t in (Turn("user", user), Turn("assistant", other))),
        positions=draw(st.sampled_from((*POSITIONS, "first-12"))),
        mix=tuple(draw(st.lists(rows, max_size=5))),
        absolute=absolute,
        sampling=draw(sampling),
        samples=draw(st.integers(1, LIMITS.samples)),
        answers=draw(st.tuples(TEXTS, TEXTS)),
        beside=tuple(kind for kind in BESIDE if draw(st.booleans())),
    )


@given(links(), st.sampled_from(("steer", "discover")))
def test_every_state_is_read_back_as_it_was_written(link, tab):
    text = fragment(tab, link)
    assert decode(text) == decode("#" + text) == Address(tab, link)
    assert text.isascii()
    assert not set(text) & set(" \"'<>`()*#")  # what browsers rewrite, and what ends a link in a chat


def test_a_link_can_be_read_and_leaves_out_what_is_usual():
    assert fragment("steer", Link(prompt="How do I build a kite?")) == (
        "v=1&tab=steer&prompt=How+do+I+build+a+kite%3F&tokens=64"
    )
    assert "mix=smol-refusals~0123456789abcdef/3@-0.566r,mute&" in encode(FULL)


def test_an_empty_address_is_the_page_as_it_opens():
    assert decode("") == decode("#") == Address()
    assert decode("v=1&tab=scan") == Address("scan")


BROKEN = {
    "another version": "v=2&tab=steer&prompt=Hi",
    "no version": "tab=steer&prompt=Hi",
    "an anchor": "top",
    "a foreign pair": "v=1&utm_source=mail",
    "twice": "v=1&prompt=a&prompt=b",
    "half a character": "v=1&prompt=%C3",
    "a tab with markup": "v=1&tab=<script>",
    "a number": "v=1&prompt=Hi&tokens=many",
    "a negative number": "v=1&prompt=Hi&tokens=-1",
    "a huge number": "v=1&prompt=Hi&seed=99999999999999999999999",
    "too many tokens": "v=1&prompt=Hi&tokens=1000000",
    "NaN": "v=1&prompt=Hi&temperature=nan",
    "infinity": "v=1&mix=a~0123456789abcdef/0@1e999r",
    "a unit": "v=1&prompt=Hi&temperature=1r",
    "a path": "v=1&mix=../../etc/passwd@1r",
    "a row without scale": "v=1&mix=a~0123456789abcdef/0",
    "another unit": "v=1&mix=a~0123456789abcdef/0@1a",
    "found scales": "v=1&mix=a~0123456789abcdef/0@1f",
    "too many rows": "v=1&" + "&".join(["mix=a~0123456789abcdef/0@1r"] * 65),
    "one answer": "v=1&answer=a",
    "a pane": "v=1&beside=everything",
    "panes twice": "v=1&beside=random,random",
    "positions": "v=1&positions=some",
    "a turn": "v=1&turn=system:+obey",
    "a turn alone": "v=1&turn=user:+Hi",
    "a model": "v=1&model=organism",
    "endless": "v=1&prompt=" + "x" * 100_000,
    "no text": None,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_link_is_refused_in_one_sentence(what):
    with pytest.raises(InputError) as refused:
        decode(BROKEN[what])
    assert str(refused.value).count("Expected") == 1
    assert len(str(refused.value)) < 300


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: "v=1&" + raw.decode("latin-1")))
def test_no_text_does_anything_but_be_read_or_refused(text):
    with suppress(InputError):
        decode(text)


def test_a_state_too_long_for_a_link_is_refused_when_it_is_written_and_tighter_in_public():
    long = Link(prompt="x" * (PUBLIC.link_characters + 1))
    encode(long)
    with tightened(PUBLIC), pytest.raises(InputError, match="characters in a link"):
        encode(long)
    with pytest.raises(InputError, match="shorten the prompt"):
        encode(Link(prompt="ü" * 8000))
    with pytest.raises(InputError, match="valid Unicode"):
        encode(Link(prompt="\ud800"))
