"""BandRequest: rows of a set that span a band, what to maximise in it, and prompts to search and to verify on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from playground.core.band import CLUSTER_GAP, bands
from playground.errors import InputError
from playground.library.checks import check_seed
from playground.library.prompt_set import PromptSet, check_prompt
from playground.library.prompts import built_in
from playground.library.rows import check_rows
from playground.library.text import listed, shown
from playground.library.vector_set import VectorSet
from playground.limits import check_characters, check_count, check_real, check_whole, limits
from playground.model.prompting import PromptFormat

TARGETS = ("kl", "word", "choices")
"""KL of the next token, log p of a continuation, log-odds of the answers to choice items."""
PROMPTS, HELD_OUT = 8, 16
"""Prompts of a search and of its verification, usually: more of the latter, where three directions are read."""
BUDGET = 192
"""Directions that a search tries, usually. In bands of six rows and fewer it is then near the maximum."""
_LEAST_BUDGET = 4
"""Evaluations a row at least: the rows and their negatives are the first, and as many must follow."""


@dataclass(frozen=True, kw_only=True)
class BandRequest:
    """Search of the span of `rows` of a set for the unit direction whose push at relative scale `scale` does most.

    `target`: "kl", the mean KL(steered ‖ baseline) of the token after each prompt; "word", the mean log p of the
    continuation `word`; "choices", the mean log-odds of the first answers over the second, less the baseline's.
    `search` are the prompts it is maximised on, `held_out` those it is verified on; choice items for "choices".
    `budget` directions are tried, and as many random ones of the span beside them. `tokens` is the length of a greedy
    text that is written with what was found (0: none). Raises InputError for values out of range, fewer than two rows,
    and prompts in both sets.
    """

    source_set: VectorSet
    rows: tuple[int, ...]
    target: str
    search: PromptSet
    held_out: PromptSet
    word: str | None = None
    scale: float = 0.1
    format: PromptFormat = field(default_factory=PromptFormat)
    budget: int = BUDGET
    seed: int = 0
    tokens: int = 16

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(dict.fromkeys(check_rows(self.source_set, tuple(self.rows)))))
        if len(self.rows) < 2:
            raise InputError(
                f"Expected at least two rows to span a band, got row {self.rows[0]} alone; name others too, as 3-5."
            )
        if self.target not in TARGETS:
            raise InputError(f"Expected a target: {listed(TARGETS)}, got {shown(self.target)}; choose one of them.")
        if (self.word is not None) != (self.target == "word"):
            raise InputError("Expected a continuation with the target word, and with it alone; give or omit it.")
        if self.word is not None:
            check_prompt(self.word, "a continuation")
            check_characters("a continuation", self.word, limits().answer_characters)
        check_real("relative scale", self.scale, 0, limits().effect_scale, above=True)
        check_count(
            f"directions to try ({_LEAST_BUDGET} a row at least)", self.budget, limits().evaluations,
            "change the budget, or name fewer rows", least=_LEAST_BUDGET * len(self.rows),
        )  # fmt: skip
        check_seed(self.seed)
        if self.tokens != 0:
            check_whole("number of new tokens", self.tokens, least=4, most=limits().look_tokens)
        for prompts in (self.search, self.held_out):
            if self.target == "choices" and prompts.kind != "choices":
                raise InputError(
                    f"Expected choice items, questions with two answers, got {prompts.name}, a set of {prompts.kind}; "
                    "choose another set."
                )
            self.format.check_prompts(prompts.texts())
        both = set(self.search.texts()) & set(self.held_out.texts())
        if both:
            raise InputError(
                f"Expected held-out prompts that the search does not read, got {shown(min(both))} in both; choose "
                "others."
            )
        check_count(
            "readings (2 × budget × prompts)", 2 * self.budget * len(self.search.items), limits().numbers,
            "use fewer prompts, or a smaller budget",
        )  # fmt: skip

    @property
    def target_name(self) -> str:
        """The target in a few words."""
        if self.target == "word":
            return f"log p of “{self.word}”"
        return "KL of the next token" if self.target == "kl" else f"log-odds of {self.search.name}"


def band_of(vector_set: VectorSet, row: int, width: float = CLUSTER_GAP) -> tuple[int, ...]:
    """The rows of the band that a row is in: neighbours whose σ differ by at most `width`, relative to the larger.

    Raises InputError for a set without singular values, a row that is not there, and one that stands alone.
    """
    check_rows(vector_set, (row,))
    check_real("width of a band", width, 0, 1)
    values = vector_set.singular_values
    if values is None:
        raise InputError(
            f"Expected a set with singular values to find a band in, got “{vector_set.name}” of the method "
            f"{vector_set.origin.method}; name the rows that span it, as 3-5."
        )
    first, end = next(rows for rows in bands(values, width) if rows[0] <= row < rows[1])
    if end - first == 1:
        raise InputError(
            f"Expected a row with neighbours whose σ is within {width:.3g} of its own, got row {row}, which stands "
            "alone; choose another row, a wider band, or name rows, as 3-5."
        )
    return tuple(range(first, end))


def bands_of(vector_set: VectorSet, width: float = CLUSTER_GAP) -> tuple[tuple[int, ...], ...]:
    """All bands of at least two rows, the largest σ first; none for a set without singular values."""
    values = vector_set.singular_values
    if values is None:
        return ()
    return tuple(tuple(range(first, end)) for first, end in bands(values, width) if end - first > 1)


def own_prompts(vector_set: VectorSet) -> PromptSet:
    """The prompts that a set was found on and, where these are of a prompt set that ships, the rest of it after them.

    Raises InputError for a set without its prompts.
    """
    origin = vector_set.origin
    shipped = built_in().get(origin.prompt_set or "")
    texts = dict.fromkeys([*origin.prompts, *(() if shipped is None else shipped.texts())])
    if not texts:
        raise InputError(
            f"Expected a set that says the prompts it was found on, got “{vector_set.name}” without; choose prompts."
        )
    name = origin.prompt_set or vector_set.name
    return PromptSet(name, "", "", "prompts", tuple(texts), system=origin.system, chat=origin.chat)


def dealt(
    prompt_set: PromptSet, search: int = PROMPTS, held_out: int = HELD_OUT, known: Sequence[str] = ()
) -> tuple[PromptSet, PromptSet]:
    """The first `search` items of a set, and the `held_out` items after them that are not among the texts `known`, on
    which the rows were found; as many of these as there are. Items with the same question count once.

    Raises InputError where nothing is left to hold out.
    """
    check_whole("number of prompts", search, least=1, most=limits().prompts)
    check_whole("number of held-out prompts", held_out, least=1, most=limits().prompts)
    whole = prompt_set
    if prompt_set.kind != "choices":
        whole = replace(prompt_set, kind="prompts", items=tuple(dict.fromkeys(prompt_set.texts())))
    items = list(dict(zip(whole.texts(), whole.items, strict=True)).items())
    ahead, seen = items[:search], set(known)
    rest = [item for text, item in items[search:] if text not in seen][:held_out]
    if not rest:
        raise InputError(
            f"Expected prompts of “{prompt_set.name}” to hold out, got none beyond the {len(ahead)} of the search that "
            "the rows were not found on; give another set, or search on fewer."
        )
    return replace(whole, items=tuple(item for _, item in ahead)), replace(whole, items=tuple(rest))
