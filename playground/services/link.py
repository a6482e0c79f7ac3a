"""Links to a state of the page: the open tab and what Steer shows, as text for the part of an address after #.

`v=1&tab=steer&model=NAME~FINGERPRINT&prompt=…&mix=SET~VECTORS/ROWS@SCALE&…`: pairs as in a query, which a person can
read and change; what has its usual value is left out. ROWS are `3`, `first:4` (the average of the first four) or
`mean:2-5` (of rows 2 to 4), SCALE is a number with its unit (r, a or n, as in recipes), `,mute` or `,solo` behind it.
It stands after # so that no prompt reaches a server's log, and because no proxy bounds its length.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus, unquote_plus

from playground.core.positions import Positions, check_positions
from playground.errors import InputError
from playground.library.direction import read_scale
from playground.library.text import listed, shown
from playground.limits import check_characters, check_count, check_whole, limits
from playground.model.conversation import Turn, check_turns
from playground.model.conversation import format as format_turn
from playground.model.conversation import parse as parse_turn
from playground.model.generation.sampling import Sampling

VERSION = "1"
HASH_DIGITS = 16
"""Hexadecimal digits of the SHA-256 of a set's vectors, as many as a model's fingerprint has."""
BESIDE = ("negative", "random")
"""Panes beside Baseline and Steered."""
UNITS = {"relative": "r", "absolute": "a"}
_SAFE = "/:@,~"
_REPEATED = ("mix", "turn", "answer")
_ROWS = r"\d{1,9}|first:\d{1,9}|mean:\d{1,9}-\d{1,9}"
_MIX = re.compile(rf"(.+)~([0-9a-f]{{16}})/({_ROWS})@([^,]+)((?:,mute|,solo)*)", re.ASCII)
_MODEL = re.compile(r"(.+)~([0-9a-f]{16})", re.ASCII)
_TAB = re.compile(r"[a-z][a-z_-]{0,29}", re.ASCII)
_NAME_LENGTH = 200


@dataclass(frozen=True)
class LinkedRow:
    """A row of the mix. `vectors`: the first digits of its set's `vectors_hash`; `rows` as in the link."""

    set_name: str
    vectors: str
    rows: str
    scale: float
    unit: str
    mute: bool = False
    solo: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale):
            raise InputError(f"Expected finite scales in a link, got {self.scale}; send it anew.")
        if _MIX.fullmatch(_format_row(self)) is None or len(self.set_name) > _NAME_LENGTH:
            raise InputError(f"Expected a row of a mix in a link, got {shown(_format_row(self))}; send it anew.")


@dataclass(frozen=True, kw_only=True)
class Link:
    """The state of Steer. `fingerprint`: of the model; `absolute`: whether scales are shown as norms. Raises InputError
    for what no page shows.
    """

    prompt: str = ""
    model: str = ""
    fingerprint: str = ""
    chat: bool = True
    thinking: bool = False
    system: str = ""
    turns: tuple[Turn, ...] = ()
    positions: Positions = "all"
    mix: tuple[LinkedRow, ...] = ()
    absolute: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    samples: int = 1
    answers: tuple[str, str] = ("", "")
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_characters("a prompt", self.prompt, limits().prompt_characters)
        check_characters("a system prompt", self.system, limits().system_characters)
        for answer in self.answers:
            check_characters("an answer", answer, limits().answer_characters)
        check_turns(self.turns)
        check_positions(self.positions)
        check_count("rows in the mix of a link", len(self.mix), limits().components, "average some of them")
        check_whole("number of samples", self.samples, least=1, most=limits().samples)
        units = {"n", UNITS["absolute" if self.absolute else "relative"]}
        if any(row.unit not in units for row in self.mix):
            raise InputError(f"Expected scales in {listed(sorted(units))} in this link, got others; send it anew.")


@dataclass(frozen=True)
class Address:
    """A whole link: the tab, and the state of Steer where the link has one."""

    tab: str | None = None
    link: Link | None = None


def encode(link: Link) -> str:
    """The pairs of a link behind `v` and `tab`. Raises InputError where that is too long for an address."""
    try:
        text = "&".join(f"{key}={quote_plus(value, safe=_SAFE)}" for key, value in _pairs(link))
    except UnicodeEncodeError:
        raise InputError("Expected valid Unicode text for a link, got half a character; type it again.") from None
    check_count("characters in a link", len(text), limits().link_characters, "shorten the prompt, or use the command")
    return text


def fragment(tab: str, link: Link) -> str:
    """What stands behind # for this tab and state. Raises InputError as `encode` does."""
    return f"v={VERSION}&tab={tab}&{encode(link)}"


def decode(text: object) -> Address:
    """The address in the text behind #, with or without the #; nothing for an empty text.

    Raises InputError, one sentence, for all that is not one, and for other versions.
    """
    if not isinstance(text, str):
        raise InputError("Expected a link as text, got something else; open the page without it.")
    text = text.removeprefix("#")
    if not text:
        return Address()
    most = limits().link_characters + 100  # `v` and `tab`
    if len(text) > most:
        raise InputError(f"Expected a link of at most {most} characters, got {len(text)}; ask for a shorter one.")
    given = _given(text)
    version = given.pop("v", [""])[0]
    if version != VERSION:
        raise InputError(
            f"Expected a link of version {VERSION}, got {shown(version)}; ask for a new one, or update the playground."
        )
    tab = given.pop("tab", [None])[0]
    if tab is not None and _TAB.fullmatch(tab) is None:
        raise InputError(f"Expected the name of a tab in this link, got {shown(tab)}; ask for a new one.")
    return Address(tab, _link(given) if given else None)


def _given(text: str) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for part in text.split("&"):
        key, equals, value = part.partition("=")
        if not equals or key not in _KEYS:
            raise InputError(f"Expected a link of this page, got {shown(part)} in it; ask for a new one.")
        try:
            given.setdefault(key, []).append(unquote_plus(value, errors="strict"))
        except UnicodeDecodeError:
            raise InputError(f"Expected a whole link, got one cut at {shown(part)}; copy it again.") from None
    for key, values in given.items():
        if len(values) > 1 and key not in _REPEATED:
            raise InputError(f"Expected {key} once in a link, got it {len(values)} times; ask for a new one.")
    return given


def _pairs(link: Link) -> Iterator[tuple[str, str]]:
    usual, sampling = Sampling(), link.sampling
    if link.model or link.fingerprint:
        yield "model", f"{link.model}~{link.fingerprint}"
    yield "prompt", link.prompt
    if not link.chat:
        yield "format", "raw"
    if link.thinking:
        yield "thinking", "on"
    if link.system:
        yield "system", link.system
    for turn in link.turns:
        yield "turn", format_turn(turn)
    if link.positions != "all":
        yield "positions", link.positions
    for row in link.mix:
        yield "mix", _format_row(row)
    if link.absolute:
        yield "scales", "absolute"
    yield "tokens", str(sampling.max_new_tokens)
    for key, value, default in (
        ("temperature", _number(sampling.temperature), _number(usual.temperature)),
        ("top-p", _number(sampling.top_p), _number(usual.top_p)),
        ("samples", str(link.samples), "1"),
        ("seed", str(sampling.seed), str(usual.seed)),
    ):
        if value != default:
            yield key, value
    if any(link.answers):
        yield from (("answer", answer) for answer in link.answers)
    if link.beside:
        yield "beside", ",".join(link.beside)


_KEYS = (
    "v", "tab", "model", "prompt", "format", "thinking", "system", "turn", "positions", "mix", "scales", "tokens",
    "temperature", "top-p", "samples", "seed", "answer", "beside",
)  # fmt: skip


def _link(given: dict[str, list[str]]) -> Link:
    one = {key: values[0] for key, values in given.items()}
    model = _MODEL.fullmatch(one.get("model", ""))
    if "model" in one and (model is None or len(one["model"]) > _NAME_LENGTH):
        raise InputError(f"Expected model=NAME~FINGERPRINT in a link, got {shown(one['model'])}; ask for a new one.")
    answers = given.get("answer", ["", ""])
    if len(answers) != 2:
        raise InputError(f"Expected two answers in a link, got {len(answers)}; ask for a new one.")
    beside = tuple(part for part in one.get("beside", "").split(",") if part)
    if [kind for kind in BESIDE if kind in beside] != list(beside):
        raise InputError(f"Expected {','.join(BESIDE)} or one of them, got {shown(one['beside'])}; ask for a new link.")
    usual = Sampling()
    return Link(
        prompt=one.get("prompt", ""),
        model=model[1] if model else "",
        fingerprint=model[2] if model else "",
        chat=_choice(one, "format", ("chat", "raw")) == "chat",
        thinking=_choice(one, "thinking", ("off", "on")) == "on",
        system=one.get("system", ""),
        turns=tuple(map(parse_turn, given.get("turn", ()))),
        positions=one.get("positions", "all"),
        mix=tuple(map(_parse_row, given.get("mix", ()))),
        absolute=_choice(one, "scales", tuple(UNITS)) == "absolute",
        sampling=Sampling(
            max_new_tokens=_whole(one, "tokens", usual.max_new_tokens),
            temperature=_real(one, "temperature", usual.temperature),
            top_p=_real(one, "top-p", usual.top_p),
            seed=_whole(one, "seed", usual.seed),
        ),
        samples=_whole(one, "samples", 1),
        answers=(answers[0], answers[1]),
        beside=beside,
    )


def _choice(one: dict[str, str], key: str, values: tuple[str, ...]) -> str:
    value = one.get(key, values[0])
    if value not in values:
        raise InputError(f"Expected {key}={listed(values)} in a link, got {shown(value)}; ask for a new one.")
    return value


def _whole(one: dict[str, str], key: str, usual: int) -> int:
    text = one.get(key, str(usual))
    if re.fullmatch(r"\d{1,19}", text, re.ASCII) is None:
        raise InputError(f"Expected a whole number for {key} in a link, got {shown(text)}; ask for a new one.")
    return int(text)


def _real(one: dict[str, str], key: str, usual: float) -> float:
    read = read_scale(one.get(key, _number(usual)))
    if read is None or read[1]:
        raise InputError(f"Expected a number for {key} in a link, got {shown(one[key])}; ask for a new one.")
    return read[0]


def _format_row(row: LinkedRow) -> str:
    flags = (",mute" if row.mute else "") + (",solo" if row.solo else "")
    return f"{row.set_name}~{row.vectors}/{row.rows}@{_number(row.scale)}{row.unit}{flags}"


def _parse_row(text: str) -> LinkedRow:
    parts = _MIX.fullmatch(text)
    scale = None if parts is None else read_scale(parts[4])
    if parts is None or scale is None:
        raise InputError(f"Expected mix=SET~VECTORS/ROWS@SCALE in a link, got {shown(text)}; ask for a new one.")
    return LinkedRow(parts[1], parts[2], parts[3], *scale, mute=",mute" in parts[5], solo=",solo" in parts[5])


def _number(value: float) -> str:
    """A number as text that gives it again."""
    return repr(float(value)).removesuffix(".0")
