"""FindRequest: every setting of every method, checked when the request is built."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from playground.core.krylov import KrylovSettings
from playground.core.melbo import RESTARTS
from playground.core.metric import METRICS
from playground.errors import InputError
from playground.library.checks import check_seed, check_selection, check_whole
from playground.library.recipe import Recipe, parse
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.services.find import settings

METHODS = ("power", "melbo", "ortho", "difference", "random")
READS_NO_EFFECT = ("difference", "random")  # these need no target layer; when one is given it is only noted
MAX_VECTORS = 512  # more rows than anybody looks at; a request beyond it is a slip of the hand
MAX_ORTHOGONAL = 8192  # orthogonal copies are averaged and plotted rather than looked at one by one
MAX_STEPS = 100_000

USUAL_TOKENS = "usual"
"""As many target tokens as is usual for the method."""

_ONLY_OF = {
    "start": ("power", "melbo"),
    "solver": ("power",),
    "tolerance": ("power",),
    "block": ("power",),
    "theta0": ("power",),
    "weights": ("power",),
    "metric": ("power",),
    "radius": ("melbo",),
    "relative_radius": ("melbo",),
    "p": ("melbo",),
    "q": ("melbo",),
    "restarts": ("melbo",),
    "steps": ("power", "melbo", "ortho"),
    "learning_rate": ("melbo", "ortho"),
    "base": ("ortho",),
    "batch": ("ortho",),
    "penalty": ("ortho",),
    "stop_share": ("ortho",),
    "against": ("difference",),
    "answers": ("difference",),
    "read_sinks": ("power", "melbo", "ortho", "difference"),
    "memory_budget": ("power", "melbo", "ortho"),
}
"""Settings that only these methods have; with another one they keep their defaults."""


@dataclass(frozen=True, kw_only=True)
class FindRequest:
    """What to find. Layers are blocks counted from 0; the effect of a push at `source` is read at `target`.

    All methods: `vectors` is k (ortho: at most as many, those of earlier runs counted; difference always finds one).
    `target_tokens` is K, the last K positions of each prompt, None for all of them; "usual" is all for ortho, which
    reads their mean, and 2 for the others (difference reads them at `source`; random none). Where all are read,
    attention sinks are left out unless `read_sinks` (the published form). `target` may be None for difference and
    random, which read no effect.
    `memory_budget` is in bytes (None: what the device has to spare). `prompt_set` names where the prompts came from,
    and is kept with the result; `sample_seed` is the seed that drew them there (None: they are its first), `balance`
    says that answer letters are alike among them. `steps` None is the method's own default.

    power: `solver`, `steps`, `tolerance` and `block` as in KrylovSettings; `start`, a recipe `FILE#ROW` (a scale is
    allowed) or "random"; `theta0`, a recipe that is added while the Jacobian is taken; `weights`, one for each of the
    last K positions, oldest first; `metric` on the residual stream at the target.
    melbo: `radius`, or `relative_radius` in reference norms (neither: found on the model); `p` and `q` of the
    objective (q None is p); `learning_rate`, absolute (None: in proportion to the radius); `restarts` a vector;
    `start` is "random", "power" (vectors of power iteration), a recipe, or None for the best that is known.
    ortho: `base`, a recipe at `source` whose effect is repeated; `batch` vectors at a time; `penalty` on ‖θ‖²;
    `stop_share`, the share of the effect below which it ends; `learning_rate`.
    difference: mean over `prompts` minus mean over `against`; or, with `answers`, one pair (matching, other) a prompt,
    each appended to it and read where the answer tells itself from the other one.

    Raises InputError when a value is wrong whatever the model; `check` looks at the rest.
    """

    method: str
    prompts: tuple[str, ...]
    source: int
    target: int | None
    format: PromptFormat = field(default_factory=PromptFormat)
    target_tokens: int | str | None = USUAL_TOKENS
    vectors: int = 12
    seed: int = 0
    prompt_set: str | None = None
    sample_seed: int | None = None
    balance: bool = False
    start: str | None = None
    steps: int | None = None
    solver: str = KrylovSettings.solver
    tolerance: float = KrylovSettings.tolerance
    block: int | None = None
    theta0: str | None = None
    weights: tuple[float, ...] | None = None
    metric: str = METRICS[0]
    radius: float | None = None
    relative_radius: float | None = None
    p: float = 2.0
    q: float | None = None
    learning_rate: float | None = None
    restarts: int = RESTARTS
    read_sinks: bool = False
    base: str | None = None
    batch: int = 16
    penalty: float = 0.0
    stop_share: float = 0.05
    against: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    memory_budget: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", tuple(self.prompts))
        object.__setattr__(self, "against", tuple(self.against))
        object.__setattr__(self, "answers", tuple(tuple(pair) for pair in self.answers))
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
        if self.method not in METHODS:
            listed = f"{', '.join(METHODS[:-1])} or {METHODS[-1]}"
            raise InputError(f"Expected a method: {listed}, got {self.method!r}; choose one of them.")
        if self.target_tokens == USUAL_TOKENS:
            object.__setattr__(self, "target_tokens", None if self.method == "ortho" else 2)
        self._check_common()
        # What a method does not read is not part of the request: equal runs are equal requests.
        if self.method == "random" or self.answers:
            object.__setattr__(self, "target_tokens", None)
        if self.answers or (self.target_tokens is not None and self.metric == METRICS[0]):
            object.__setattr__(self, "read_sinks", False)
        if self.method == "difference":
            object.__setattr__(self, "vectors", 1)
            object.__setattr__(self, "seed", 0)
        self._check_belonging()
        _CHECKS[self.method](self)

    def _check_common(self) -> None:
        check_whole("source layer", self.source, least=0)
        if self.target is not None:
            check_whole("target layer", self.target, least=0)
        elif self.method not in READS_NO_EFFECT:
            raise InputError(f"Expected a target layer for {self.method}, got none; choose one above the source.")
        if self.target_tokens is not None:
            check_whole("number of target tokens", self.target_tokens, least=1)
        most = MAX_ORTHOGONAL if self.method == "ortho" else MAX_VECTORS
        check_whole("number of vectors", self.vectors, least=1, most=most)
        check_seed(self.seed)
        check_selection(self.sample_seed, self.balance)
        if self.memory_budget is not None:
            check_whole("memory budget in bytes", self.memory_budget, least=2**20)
        if self.steps is not None:
            check_whole("number of steps", self.steps, least=1, most=MAX_STEPS)
        if self.format.turns:
            raise InputError(
                f"Expected prompts with nothing said before them, got {len(self.format.turns)} turns; leave them out: "
                "a file has no place for them."
            )
        if not self.prompts:
            raise InputError("Expected at least one prompt, got none; type one, or choose a prompt set.")
        _check_texts("prompt", self.prompts)

    def _check_belonging(self) -> None:
        for item in fields(self):
            methods = _ONLY_OF.get(item.name, METHODS)
            if self.method not in methods and getattr(self, item.name) != item.default:
                raise InputError(
                    f"Expected {item.name.replace('_', ' ')} with {' or '.join(methods)} only, got it with "
                    f"{self.method}; leave it out, or choose another method."
                )

    def recipe(self, name: str) -> Recipe | None:
        """The recipe in `start`, `theta0` or `base`; None when there is none. A start without scale has scale 1."""
        text = getattr(self, name)
        if text is None or (name == "start" and text in ("random", "power")):
            return None
        if name == "start":
            parts = text.split(",")
            text = ",".join(part if "@" in part.rpartition("#")[2] else f"{part}@1" for part in parts)
        try:
            return parse(text)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error

    def check(self, loaded: LoadedModel) -> None:
        """Raises InputError when the request cannot be met on this model: layers, k, prompts too short or too long."""
        self.encode(loaded)

    def encode(self, loaded: LoadedModel) -> Encoded:
        """The prompts as this model reads them. Raises InputError as `check` does."""
        last = loaded.block_count - 1
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
        room = loaded.width - (self.method == "ortho")  # the base takes one dimension
        if self.method != "difference" and self.vectors > room:
            which = "the width" if self.method != "ortho" else "what the base leaves of the width"
            raise InputError(
                f"Expected at most {room} vectors, {which} of {loaded.name}, got {self.vectors}; ask for fewer."
            )
        encoded = encode(loaded, self.prompts, self.format)
        if self.reads_last_tokens:
            self._check_lengths(encoded, "prompt")
            if self.against:
                self._check_lengths(encode(loaded, self.against, self.format), "prompt on the other side")
        return encoded

    @property
    def reads_last_tokens(self) -> bool:
        """Whether `target_tokens` limits what is read."""
        if self.method == "difference":
            return not self.answers and self.target_tokens is not None
        return self.method in ("power", "melbo", "ortho") and self.target_tokens is not None

    def _check_lengths(self, encoded: Encoded, which: str) -> None:
        shortest = min(encoded.lengths)
        if self.target_tokens is not None and self.target_tokens > shortest:
            number = encoded.lengths.index(shortest) + 1
            raise InputError(
                f"Expected at most {shortest} target tokens, the length of {which} {number} in tokens, "
                f"got {self.target_tokens}; ask for fewer, or leave out short prompts."
            )


def _check_number(quantity: str, value: object, above: bool = False) -> None:
    """Raises InputError unless `value` is a finite number above 0, or 0 where `above` is False."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (above and value == 0):
        span = "above 0" if above else "of 0 or more"
        raise InputError(f"Expected a {quantity} {span}, got {value!r}; give such a number.")


def _check_texts(what: str, texts: tuple[str, ...]) -> None:
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str) or not text.strip():
            raise InputError(
                f"Expected text in every {what}, got an empty one (number {number} of {len(texts)}); "
                "fill it in or leave it out."
            )


def _check_power(request: FindRequest) -> None:
    settings.krylov(request)
    if request.start == "power":
        raise InputError("Expected a start of power iteration: random or FILE#ROW, got 'power'; leave it out.")
    request.recipe("start")
    if request.theta0 is not None:
        request.recipe("theta0")
    if request.metric not in METRICS:
        raise InputError(f"Expected a metric: {', '.join(METRICS)}, got {request.metric!r}; choose one of them.")
    if request.weights is None:
        return
    if request.target_tokens is None:
        raise InputError(
            f"Expected no weights when the effect is read at all tokens, got {len(request.weights)}; leave them out, "
            "or read the last few tokens."
        )
    if len(request.weights) != request.target_tokens:
        raise InputError(
            f"Expected a weight for each target token, got {len(request.weights)} weights for "
            f"{request.target_tokens} tokens; give as many, oldest first."
        )
    for weight in request.weights:
        _check_number("weight", weight)
    if not any(request.weights):
        raise InputError("Expected a weight above 0 among the weights, got zeros only; weigh one position at least.")


def _check_melbo(request: FindRequest) -> None:
    if request.radius is not None and request.relative_radius is not None:
        raise InputError("Expected a radius or a relative radius, got both; leave one of them out.")
    for name in ("radius", "relative_radius"):
        if getattr(request, name) is not None:
            _check_number(name.replace("_", " "), getattr(request, name), above=True)
    settings.melbo(request, radius=1.0)
    request.recipe("start")


def _check_ortho(request: FindRequest) -> None:
    if request.base is None:
        raise InputError("Expected a base whose effect is repeated, got none; give one such as FILE#ROW@SCALE.")
    if not request.recipe("base").components:
        raise InputError("Expected a base with something in it, got an empty recipe; give one such as FILE#ROW@SCALE.")
    settings.ortho(request)


def _check_difference(request: FindRequest) -> None:
    if request.answers and request.against:
        raise InputError("Expected prompts of the other side or answers, got both; leave one of them out.")
    if not request.answers and not request.against:
        raise InputError(
            "Expected prompts on both sides, got none on the other one; give some that do not show the behaviour."
        )
    _check_texts("prompt of the other side", request.against)
    if request.answers and len(request.answers) != len(request.prompts):
        raise InputError(
            f"Expected a pair of answers for each of {len(request.prompts)} prompts, got {len(request.answers)}; "
            "give as many."
        )
    for pair in request.answers:
        if len(pair) != 2:
            raise InputError(
                f"Expected two answers for a prompt, got {len(pair)}; give the matching and the other one."
            )
        _check_texts("answer", pair)
        if pair[0].strip() == pair[1].strip():
            raise InputError(f"Expected two different answers, got {pair[0]!r} twice; mend the item.")


_CHECKS = {
    "power": _check_power,
    "melbo": _check_melbo,
    "ortho": _check_ortho,
    "difference": _check_difference,
    "random": lambda request: None,
}
