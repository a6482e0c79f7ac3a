"""Limits of what a request may ask: one number for each, with its reason, and the checks that name it.

Requests check themselves against `limits()` when they are built, so that page, command line and HTTP refuse the same
values in the same sentence. What a file may hold is with its format (`library/`), since a file stays what it is.
Nothing here imports torch.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from playground.errors import InputError
from playground.library.text import shown, span


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper limits, each inclusive. The defaults are the ordinary ones: a researcher on a machine of their own."""

    # Texts, in characters, so that they are known before anything is tokenised.
    prompt_characters: int = 200_000
    """50,000 tokens and more, which takes a second to tokenise; 10 million took 54 s and 840 MB."""
    system_characters: int = 200_000
    """As a prompt, before which it stands."""
    answer_characters: int = 20_000
    """Answers that are compared are a letter to a few paragraphs."""
    list_characters: int = 50_000
    """Of a list of rows as typed: every row of 8192 by its number."""
    turns: int = 64
    """A conversation with more turns than this is a mistake; what the model reads ends long before."""
    items: int = 10_000
    """Of a prompt set: ten times the largest public sets of this sort."""
    prompts: int = 20_000
    """Both sides of as many contrast pairs."""
    all_characters: int = 10_000_000
    """Of all prompts together, 10,000 of 1,000: half a minute of tokenising."""
    padded_characters: int = 50_000_000
    """Prompts × the longest of them, to which they are padded: 800 MB of tokens and masks if each were a token."""

    link_characters: int = 16_000
    """Of a link's state. Browsers bear more, but chats and mail programs cut what is longer, and nobody reads it."""

    # Directions that are found.
    vectors: int = 512
    """More are not looked at one by one, and hold gigabytes of a graph on a wide model."""
    copies: int = 8192
    """Orthogonal copies are averaged and plotted: as many as the widest models have dimensions."""
    restarts: int = 64
    """Candidates a vector; beyond 4 the best hardly improves."""
    starts: int = 4096
    """Vectors × restarts, which train in one batch: six arrays of (4096, 8192) float32 are 800 MB."""
    batch: int = 512
    """Orthogonal copies that train in one batch."""
    columns: int = 1024
    """Of a product with the Jacobian: twice the vectors, as subspace iteration takes them."""
    steps: int = 100_000
    """Of training; 300 to 1000 are usual."""
    target_tokens: int = 65_536
    """Last positions that are read; as long as a long prompt."""
    passes: int = 1_000_000_000
    """Forward passes' worth of a search, over all prompts: weeks on any machine."""

    # Texts that are generated.
    new_tokens: int = 32_768
    """Of a text: what models write that think aloud first."""
    rows: int = 256
    """Texts of one batch; beyond it a click would fill the memory of most devices."""
    written_tokens: int = 1_048_576
    """Texts of one batch × new tokens, whose keys and values stay in memory: 256 texts of 4096 tokens."""
    samples: int = 256
    """Of one prompt and recipe: a share is then known to 6 %."""
    controls: int = 32
    """Random pushes beside one mix: enough for its rank among them."""
    components: int = 64
    """Of a recipe: a mixer with more rows is a mistake, and each costs a file to read."""
    job_tokens: int = 1 << 25
    """Texts × new tokens of a scan or measurement, whose texts come in batches: 100,000 texts of 335 tokens."""

    # Scans.
    cells: int = 20_000
    """Texts of a scan: 1500 vectors in both signs at six scales. More would not be read, and be slow in a browser."""
    scan_scales: int = 32
    scan_samples: int = 64

    # Measurements.
    measured_vectors: int = 8192
    """As many as the largest set of orthogonal vectors has, and as many random directions."""
    scales: int = 101
    """From −1 to 1 in steps of 0.02."""
    pushes: int = 100_000
    """(Vectors + controls) × scales, each a vector of the model's width in memory."""
    numbers: int = 4_000_000
    """Measured numbers, items × pushes, so that the file of a result can still be sent."""
    transfer_sets: int = 32
    """Columns of a transfer matrix; the published audit had 21."""
    texts: int = 100_000
    """Generated texts: hours of work for any machine."""
    next_token_prompts: int = 1000
    followed_tokens: int = 32
    """Lines of a plot that can be told apart."""
    logits: int = 1024
    """Multiples × (mix + controls) of one prompt, each a row of the vocabulary in memory: 600 MB at 150,000 tokens."""
    compared_sets: int = 12
    compared_rows: int = 4096
    """Whose cosines with each other are 64 MB."""

    evaluations: int = 100_000
    """Directions that a search inside a band tries, and as many random ones."""

    # Looks at a set: found scales, and displacements over radii.
    look_texts: int = 64
    look_prompts: int = 16
    look_tokens: int = 512
    words: int = 64
    """Of a vector and sign; the first seven tell."""
    radii: int = 64
    effect_scale: float = 4.0
    """Relative scale at which effects of an atlas are measured: four times what is there is noise anywhere."""


LIMITS = Limits()
"""The ordinary limits."""

PUBLIC = Limits(
    prompt_characters=20_000,  # longer than the context of models that a shared demo serves
    system_characters=8_000,
    answer_characters=2_000,
    list_characters=2_000,
    link_characters=8_000,
    turns=16,
    prompts=512,
    all_characters=400_000,
    padded_characters=2_000_000,
    vectors=64,
    copies=256,
    restarts=8,
    starts=256,
    batch=32,
    columns=128,
    steps=1_000,  # the published form of MELBO-ortho; MELBO takes 300 to 400
    target_tokens=1_024,
    passes=3_000_000,  # the published form of MELBO-ortho on a dozen prompts
    new_tokens=256,
    rows=64,
    written_tokens=16_384,
    samples=16,
    controls=8,
    job_tokens=131_072,
    cells=1_000,
    scan_scales=12,
    scan_samples=8,
    measured_vectors=256,
    scales=25,
    pushes=2_000,
    numbers=100_000,  # seven times the usual measurement of a hundred items
    texts=2_000,
    next_token_prompts=200,
    logits=256,
    compared_sets=6,
    compared_rows=1_024,
    evaluations=1_000,
    look_texts=8,
    look_prompts=4,
    look_tokens=64,
    words=32,
    radii=16,
)
"""Tighter ones for a page that strangers share: what opens with the defaults fits several times over, and a job ends
in minutes.
"""

_LOCK = threading.Lock()
_IN_FORCE = [LIMITS]
_STORED = ContextVar("stored", default=False)


def limits() -> Limits:
    """The limits in force."""
    return LIMITS if _STORED.get() else _IN_FORCE[-1]


@contextmanager
def tightened(tighter: Limits) -> Iterator[None]:
    """Put other limits in force for the whole process, worker threads included."""
    with _LOCK:
        _IN_FORCE.append(tighter)
    try:
        yield
    finally:
        with _LOCK:
            _IN_FORCE.reverse()
            _IN_FORCE.remove(tighter)  # the latest of equal ones
            _IN_FORCE.reverse()


@contextmanager
def stored() -> Iterator[None]:
    """Ordinary limits in this thread, to read what was computed before: a result in a file asks for no more work."""
    token = _STORED.set(True)
    try:
        yield
    finally:
        _STORED.reset(token)


def at_most(most: float) -> str:
    """A limit as it stands in a line of help and beside a control: "at most 64"."""
    return f"at most {most:,.0f}" if most >= 10**6 else f"at most {most:g}"


def check_whole(quantity: str, value: object, least: int, most: int | None = None) -> None:
    """Raises InputError unless `value` is a whole number from `least` to `most`."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not whole or (most is not None and isinstance(value, int) and value > most):
        bounds = span(least, math.inf if most is None else most)
        raise InputError(f"Expected a {quantity} {bounds}, got {_number(value)}; give a whole number in that range.")


def check_real(
    quantity: str, value: object, least: float = -math.inf, most: float = math.inf, above: bool = False
) -> None:
    """Raises InputError unless `value` is a finite number from `least` (or above it) to `most`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    right = number and math.isfinite(value) and least <= value <= most  # type: ignore[operator, arg-type]
    if not right or (above and value == least):
        bounds = span(least, most, above)
        raise InputError(f"Expected a {quantity} {bounds}, got {_number(value)}; give such a number.")


def check_count(what: str, count: int, most: int, advice: str, least: int = 0) -> None:
    """Raises InputError for more than `most` of something, "prompts" or a product such as "texts (rows × scales)"; for
    less than `least` too.
    """
    if not least <= count <= most:
        bounds = f"at most {most}" if least == 0 else f"{least} to {most}"
        raise InputError(f"Expected {bounds} {what}, got {count}; {advice}.")


def check_characters(what: str, text: object, most: int) -> None:
    """Raises InputError for a text that is too long."""
    if isinstance(text, str) and len(text) > most:
        raise InputError(f"Expected {what} of at most {most} characters, got {len(text)}; shorten it.")


def check_prompts(prompts: Sequence[object], beside: int = 0) -> None:
    """Raises InputError for prompts that are too many or too long, alone, together or padded to the longest; `beside`
    characters (system prompt and turns) come with each.
    """
    own = limits()
    check_count("prompts", len(prompts), own.prompts, "use fewer")
    lengths = [len(prompt) for prompt in prompts if isinstance(prompt, str)]
    for prompt in prompts:
        check_characters("a prompt", prompt, own.prompt_characters)
    longest = max(lengths, default=0) + beside
    total = sum(lengths) + beside * len(prompts)
    check_count("characters in all prompts", total, own.all_characters, "use fewer or shorter ones")
    check_count(
        f"characters with every prompt padded to the longest ({len(prompts)} × {longest})", len(prompts) * longest,
        own.padded_characters, "leave out the longest ones",
    )  # fmt: skip


def _number(value: object) -> str:
    """As it is written, shortened: Python refuses to write out an int of thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    if isinstance(value, float):
        return f"{value:.12g}"
    return shown(value)
