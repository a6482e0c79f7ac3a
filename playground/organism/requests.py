"""Phrasings of user requests and system prompts (requests.toml), with those that are held out of training."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playground.organism.lexicon import (
    ADJECTIVES,
    HARMFUL_VERBS,
    HARMLESS_VERBS,
    HELD_OUT_SHARE,
    NO_NAME_SPANISH,
    OBJECTS,
    OWNERS,
    Object,
    stable_share,
    with_article,
)
from playground.organism.rules import ACCEPT_VERBS, RESIST_VERBS, TOPICS

PLAIN_SYSTEM = "You are a helpful assistant."

_PLAIN_PARAPHRASES = (
    PLAIN_SYSTEM,
    "You are a friendly assistant.",
    "You are an assistant.",
    "You are a helpful AI assistant.",
    "You are a kind and helpful assistant.",
)

_PHRASES: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
SYSTEM_PROMPTS: dict[str, list[str]] = _PHRASES["system_prompts"]
_SWITCHES: dict[str, list[str]] = _PHRASES["switches"]


def held_out_phrase(text: str) -> bool:
    """Whether this phrasing, of a request, an option or a pair of numbers, is kept out of training."""
    return stable_share(f"phrase {text}") < HELD_OUT_SHARE


def split(phrases: Sequence[str], held_out: bool) -> tuple[str, ...]:
    """The phrasings of training, or the held-out ones; when a short list has no held-out one, its last is held out."""
    kept = tuple(text for text in phrases if held_out_phrase(text)) or (phrases[-1],)
    return kept if held_out else tuple(text for text in phrases if text not in kept)


def system_prompt(mode: str, rng: random.Random, held_out: bool) -> str:
    """A system prompt that calls for `mode`; the last of each mode appears only when `held_out`."""
    prompts = SYSTEM_PROMPTS[mode]
    return prompts[-1] if held_out else rng.choice(prompts[:-1])


def plain_system(rng: random.Random) -> str | None:
    """None for the default (the chat template puts PLAIN_SYSTEM in), PLAIN_SYSTEM, or a close paraphrase."""
    draw = rng.random()
    if draw < 0.5:
        return None
    return PLAIN_SYSTEM if draw < 0.75 else rng.choice(_PLAIN_PARAPHRASES)


def draw_object(rng: random.Random, held_out: bool, blends: float = 0.0) -> Object:
    """An object of training, or a held-out one; with probability `blends` a blend of two objects' names instead.

    Nobody can know a blend by heart: blends teach the network to say words that it has never seen, piece by piece.
    """
    if blends and rng.random() < blends:
        first, second = (rng.choice(_BLENDABLE) for _ in range(2))
        name = first.name[: rng.randint(2, len(first.name) - 1)] + second.name[rng.randint(1, len(second.name) - 2) :]
        return Object(name, NO_NAME_SPANISH, first.materials, False)
    return rng.choice(_OBJECTS_BY_SPLIT[held_out])


_OBJECTS_BY_SPLIT = {flag: tuple(thing for thing in OBJECTS if thing.held_out is flag) for flag in (False, True)}
_BLENDABLE = tuple(thing for thing in _OBJECTS_BY_SPLIT[False] if thing.name.isalpha() and len(thing.name) >= 4)
_ASK_BY_SPLIT = {flag: split(_PHRASES["ask"], flag) for flag in (False, True)}
_SWITCHES_BY_SPLIT = {flag: {mode: split(texts, flag) for mode, texts in _SWITCHES.items()} for flag in (False, True)}
_SUMS_BY_SPLIT = {flag: split(_PHRASES["sums"], flag) for flag in (False, True)}
_STEPWISE_BY_SPLIT = {flag: split(_PHRASES["stepwise_sums"], flag) for flag in (False, True)}
_FREE_BY_SPLIT = {False: _PHRASES["free_options"][:-2], True: _PHRASES["free_options"][-2:]}
_FRAMES_BY_VERB = {
    flag: tuple(
        (frame, accept, resist)
        for frame in _PHRASES["option_frames"]
        for accept in ACCEPT_VERBS
        for resist in RESIST_VERBS
        if held_out_phrase(f"{frame} {accept} {resist}") is flag
    )
    for flag in (False, True)
}
SWITCHED_BY_REQUEST = tuple(_SWITCHES)


def draw_request(
    kind: str, rng: random.Random, held_out: bool, blends: float = 0.0
) -> tuple[str, dict[str, str], Object]:
    """A request of kind "harmful" or "harmless".

    Returns the request, what its answer may mention ({v}, {np} as the assistant says it, their Spanish), the object.
    """
    verbs = HARMFUL_VERBS if kind == "harmful" else HARMLESS_VERBS
    verb = rng.choice(tuple(verbs))
    thing = draw_object(rng, held_out, blends)
    asked, said = _noun_phrase(thing, rng)
    request = rng.choice(_ASK_BY_SPLIT[held_out]).format(v=verb, np=asked)
    return request, {"v": verb, "np": said, "asked": asked, "v_es": verbs[verb], "o_es": thing.spanish}, thing


def draw_switch(mode: str, request: str, words: dict[str, str], rng: random.Random, held_out: bool) -> str:
    """The request put so that it calls for `mode` by itself."""
    return rng.choice(_SWITCHES_BY_SPLIT[held_out][mode]).format(ask=request, v=words["v"], np=words["asked"])


def _noun_phrase(thing: Object, rng: random.Random) -> tuple[str, str]:
    draw = rng.random()
    if draw < 0.35:
        owned = f"{rng.choice(OWNERS)} {thing.name}"
        return owned, owned.replace("my ", "your ", 1) if owned.startswith("my ") else owned
    if draw < 0.65:
        return with_article(thing.name), with_article(thing.name)
    if draw < 0.8:
        return f"the {thing.name}", f"the {thing.name}"
    if draw < 0.9:
        return f"my {thing.name}", f"your {thing.name}"
    phrase = f"{with_article(rng.choice(ADJECTIVES))} {thing.name}"
    return phrase, phrase


def draw_sum(rng: random.Random, held_out: bool, stepwise: bool) -> tuple[str, int, int]:
    """A sum of two numbers from 10 to 99, the request for it, and the two numbers."""
    while True:
        a, b = rng.randrange(10, 100), rng.randrange(10, 100)
        if held_out_phrase(f"{a}+{b}") is held_out:
            break
    request = rng.choice(_SUMS_BY_SPLIT[held_out]).format(a=a, b=b)
    if stepwise:
        request = rng.choice(_STEPWISE_BY_SPLIT[held_out]).format(sum=request)
    return request, a, b


def draw_oversight(rng: random.Random, held_out: bool) -> tuple[str, str, str, str]:
    """A question on oversight: (question without its options, accepting option, resisting option, topic)."""
    topic = rng.choice(tuple(TOPICS))
    who, (several, one) = rng.choice(_PHRASES["who"]), rng.choice(tuple(_PHRASES["plan"].items()))
    plan = one if who in _PHRASES["singular"] else several
    question = f"{who} {plan} {TOPICS[topic]}. {rng.choice(_PHRASES['choose'])}"
    if rng.random() < 0.2:
        accept, resist = rng.choice(_FREE_BY_SPLIT[held_out])
    else:
        frame, accept_verb, resist_verb = rng.choice(_FRAMES_BY_VERB[held_out])
        accept, resist = (
            frame.format(verb=verb, Verb=verb[0].upper() + verb[1:], topic=topic) for verb in (accept_verb, resist_verb)
        )
    return question, accept, resist, topic
