"""FindRequest: what to find, checked when the request is built."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from playground.errors import InputError
from playground.library.checks import check_seed, check_selection
from playground.library.recipe import Recipe
from playground.library.text import listed
from playground.limits import check_characters, check_count, check_whole, limits
from playground.methods.base.method import Method
from playground.methods.base.registry import method_of, registered
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode

USUAL = "usual"
"""As many vectors or target tokens as is usual for the method."""


@dataclass(frozen=True, kw_only=True)
class FindRequest:
    """What to find. Layers are blocks counted from 0; the effect of a push at `source` is read at `target`.

    `vectors` is k (a method that may end early finds at most as many, those of earlier runs counted), "usual" as many
    as is usual for the method. `target_tokens` is K, the last K positions of each prompt, None for all of them. Where
    all are read, attention sinks are left out unless `read_sinks` (the published form). `target` may be None for
    methods that read no effect. `against` are prompts of the other side, `answers` one pair (matching, other) a prompt,
    for methods of two sides. `memory_budget` is in bytes (None: what the device has to spare). `prompt_set` names where
    the prompts came from, and is kept with the result; `sample_seed` is the seed that drew them there (None: they are
    its first), `balance` says that answer letters are alike among them. `settings` are those of the method (None: its
    defaults).

    Raises InputError when a value is wrong whatever the model; `check` looks at the rest.
    """

    method: str
    prompts: tuple[str, ...]
    source: int
    target: int | None
    format: PromptFormat = field(default_factory=PromptFormat)
    target_tokens: int | str | None = USUAL
    vectors: int | str = USUAL
    seed: int = 0
    prompt_set: str | None = None
    sample_seed: int | None = None
    balance: bool = False
    read_sinks: bool = False
    against: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    memory_budget: int | None = None
    settings: Any = None

    def __post_init__(self) -> None:
        self._set(prompts=tuple(self.prompts), against=tuple(self.against))
        self._set(answers=tuple(tuple(pair) for pair in self.answers))
        method, reads = self.by, self.by.reads
        if self.settings is None:
            self._set(settings=method.settings())
        if self.target_tokens == USUAL:
            self._set(target_tokens=reads.usual_tokens)
        if self.vectors == USUAL:
            self._set(vectors=1 if method.count is None else method.count.usual)
        self._check_common()
        self._check_sides()
        # What a method does not read is not part of the request: equal runs are equal requests.
        if reads.tokens is None or self.answers:
            self._set(target_tokens=None)
        if self.read_sinks and reads.tokens is None:
            self._refuse("read_sinks", lambda one: one.reads.tokens is not None)
        if self.memory_budget is not None and not reads.target:
            self._refuse("memory_budget", lambda one: one.reads.target)
        if not self.reads_all_positions:
            self._set(read_sinks=False)
        if method.count is None:
            self._set(vectors=1, seed=0)
        if method.check is not None:
            method.check(self)
        check_count(
            f"forward passes’ worth of {method.called} over {len(self.prompts)} prompts",
            max(math.ceil(method.passes(self) * len(self.prompts)), 0), limits().passes,
            "ask for fewer steps, vectors or prompts",
        )  # fmt: skip

    @property
    def by(self) -> Method:
        """The method. Raises InputError when there is none of this name."""
        return method_of(self.method)

    @property
    def k(self) -> int:
        """How many vectors."""
        return int(self.vectors)

    @property
    def last_tokens(self) -> int | None:
        """K; None for all positions, and where none are read."""
        return None if self.target_tokens is None else int(self.target_tokens)

    @property
    def reads_last_tokens(self) -> bool:
        """Whether `target_tokens` limits what is read."""
        return self.by.reads.tokens is not None and self.target_tokens is not None

    @property
    def reads_all_positions(self) -> bool:
        """Whether every position is read, so that sinks are left out or not."""
        if self.by.reads.tokens is None or self.answers:
            return False
        return self.target_tokens is None or (self.by.reads_all is not None and self.by.reads_all(self))

    def recipes(self) -> dict[str, Recipe]:
        """The recipes among the settings by name; those that are not given, or are a word, are left out."""
        kinds = {name: one for name, one in self.by.options.items() if one.kind in ("row", "recipe")}
        found = {name: one.recipe(getattr(self.settings, name)) for name, one in kinds.items()}
        return {name: recipe for name, recipe in found.items() if recipe is not None}

    def check(self, loaded: LoadedModel) -> None:
        """Raises InputError when the request cannot be met on this model: layers, k, prompts too short or too long."""
        self.encode(loaded)

    def encode(self, loaded: LoadedModel) -> Encoded:
        """The prompts as this model reads them. Raises InputError as `check` does."""
        last, count = loaded.block_count - 1, self.by.count
        if last < 1:
            raise InputError(f"Expected a model of at least 2 blocks, got {last + 1}; load another model.")
        if self.source > last - 1:
            raise InputError(
                f"Expected a source layer from 0 to {last - 1} ({loaded.name} has {last + 1} blocks), "
                f"got {self.source}; choose an earlier block."
            )
        if self.target is not None and not self.source < self.target <= last:
            raise InputError(
                f"Expected a target layer from {self.source + 1} to {last} (above the source layer {self.source}, "
                f"within the {last + 1} blocks of {loaded.name}), got {self.target}; choose another."
            )
        if count is not None and self.k > loaded.width - count.beside:
            which = "what the base leaves of the width" if count.beside else "the width"
            raise InputError(
                f"Expected at most {loaded.width - count.beside} vectors, {which} of {loaded.name}, got "
                f"{self.vectors}; ask for fewer."
            )
        encoded = encode(loaded, self.prompts, self.format)
        if self.reads_last_tokens:
            self._check_lengths(encoded, "prompt")
            if self.against:
                self._check_lengths(encode(loaded, self.against, self.format), "prompt on the other side")
        return encoded

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_common(self) -> None:
        method, count = self.by, self.by.count
        check_whole("source layer", self.source, least=0)
        if self.target is not None:
            check_whole("target layer", self.target, least=0)
        elif method.reads.target:
            raise InputError(f"Expected a target layer for {self.method}, got none; choose one above the source.")
        if self.target_tokens is not None:
            check_whole("number of target tokens", self.target_tokens, least=1, most=limits().target_tokens)
        check_whole("number of vectors", self.vectors, least=1, most=limits().vectors if count is None else count.most)
        check_seed(self.seed)
        check_selection(self.sample_seed, self.balance)
        if self.memory_budget is not None:
            check_whole("memory budget in bytes", self.memory_budget, least=2**20)
        if not isinstance(self.settings, method.settings):
            raise InputError(
                f"Expected settings of {self.method}, {method.settings.__name__}, got {type(self.settings).__name__}; "
                "use find_request."
            )
        if self.format.turns:
            raise InputError(
                f"Expected prompts with nothing said before them, got {len(self.format.turns)} turns; leave them out: "
                "a file has no place for them."
            )
        if not self.prompts:
            raise InputError("Expected at least one prompt, got none; type one, or choose a prompt set.")
        self.format.check_prompts(self.prompts)
        _check_texts("prompt", self.prompts)

    def _check_sides(self) -> None:
        if self.by.reads.sides < 2:
            for name in ("against", "answers"):
                if getattr(self, name):
                    self._refuse(name, lambda one: one.reads.sides > 1)
            return
        if self.answers and self.against:
            raise InputError("Expected prompts of the other side or answers, got both; leave one of them out.")
        if not self.answers and not self.against:
            raise InputError(
                "Expected prompts on both sides, got none on the other one; give some that do not show the behaviour."
            )
        self.format.check_prompts(self.against)
        _check_texts("prompt of the other side", self.against)
        if self.by.reads.pairs and self.against and len(self.against) != len(self.prompts):
            raise InputError(
                f"Expected pairs of prompts, as many on either side, got {len(self.prompts)} and {len(self.against)}; "
                "give as many."
            )
        if self.answers and len(self.answers) != len(self.prompts):
            raise InputError(
                f"Expected a pair of answers for each of {len(self.prompts)} prompts, got {len(self.answers)}; "
                "give as many."
            )
        for pair in self.answers:
            if len(pair) != 2:
                raise InputError(
                    f"Expected two answers for a prompt, got {len(pair)}; give the matching and the other one."
                )
            for answer in pair:
                check_characters("an answer", answer, limits().answer_characters)
            _check_texts("answer", pair)
            if pair[0].strip() == pair[1].strip():
                raise InputError(f"Expected two different answers, got {pair[0]!r} twice; mend the item.")

    def _refuse(self, name: str, has: Any) -> None:
        _refuse(name, self.method, [one.name for one in registered().values() if has(one)])

    def _check_lengths(self, encoded: Encoded, which: str) -> None:
        shortest = min(encoded.lengths)
        if self.last_tokens is not None and self.last_tokens > shortest:
            number = encoded.lengths.index(shortest) + 1
            raise InputError(
                f"Expected at most {shortest} target tokens, the length of {which} {number} in tokens, "
                f"got {self.target_tokens}; ask for fewer, or leave out short prompts."
            )


COMMON = tuple(one.name for one in fields(FindRequest) if one.name not in ("method", "settings"))
"""Fields that all methods have."""


def find_request(method: str, **values: Any) -> FindRequest:
    """A request from fields of FindRequest and settings of the method, by name. Settings of other methods may be there
    with their defaults. Raises InputError as FindRequest does, and for a setting that the method does not have.
    """
    own, common, settings = method_of(method).options, {}, {}
    for name, value in values.items():
        if name in COMMON:
            common[name] = value
        elif name in own:
            settings[name] = value
        else:
            others = [one for one in registered().values() if name in one.options]
            if not others:
                has = f"it has {listed(own)}" if own else "it has none"
                raise InputError(f"Expected settings of {method}, got {name}; {has}, beside those of every method.")
            if any(default_of(one, name) != value for one in others):
                _refuse(name, method, [one.name for one in others])
    return FindRequest(method=method, settings=method_of(method).settings(**settings), **common)


def default_of(method: Method, name: str) -> Any:
    """What a setting of a method is when it is not given."""
    one = next(one for one in fields(method.settings) if one.name == name)
    return None if one.default is MISSING else one.default


def _refuse(name: str, method: str, others: Iterable[str]) -> None:
    raise InputError(
        f"Expected {name.replace('_', ' ')} with {listed(others)} only, got it with {method}; leave it out, or choose "
        "another method."
    )


def _check_texts(what: str, texts: tuple[str, ...]) -> None:
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str) or not text.strip():
            raise InputError(
                f"Expected text in every {what}, got an empty one (number {number} of {len(texts)}); "
                "fill it in or leave it out."
            )
