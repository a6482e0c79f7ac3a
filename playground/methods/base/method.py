"""Method: the description of a method that everything else follows from. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from playground.extensions import resolve
from playground.limits import limits
from playground.methods.base.setting import NoSettings, Setting, settings_of

if TYPE_CHECKING:
    from playground.methods.base.context import Context, Found
    from playground.methods.base.request import FindRequest

ALL: Literal["all"] = "all"
"""A usual number of target tokens: all of them."""
PRODUCT = 6
"""Forward passes' worth of one product forth and back through a kept graph."""
GRADIENT = 3
"""Forward passes' worth of a value and its gradient."""


@dataclass(frozen=True)
class Reads:
    """What a method reads: an effect at a `target` layer (it needs one then); the last `tokens` positions of each
    prompt, as many as that as a rule (None: no positions); `sides` lists of prompts, or pairs of answers. `help` says
    on the command line what is done with the tokens, `pairs` that prompt i of one side belongs to prompt i of the
    other.
    """

    target: bool = False
    tokens: int | Literal["all"] | None = None
    sides: int = 1
    pairs: bool = False
    help: str = ""

    @property
    def usual_tokens(self) -> int | None:
        """As a request has it: None for all, and where none are read."""
        return self.tokens if isinstance(self.tokens, int) else None


@dataclass(frozen=True)
class Count:
    """How many directions a method finds: as a rule, and at most, by the limit of requests that `limit` names.
    `beside` dimensions of the width are not free.
    """

    usual: int = 12
    limit: str = "vectors"
    beside: int = 0
    label: str = "Vectors"
    info: str = ""
    help: str = "how many directions"

    @property
    def most(self) -> int:
        """The largest number of directions."""
        return int(getattr(limits(), self.limit))


@dataclass(frozen=True)
class Column:
    """A value a row, kept under `name`: `title` in full, `short` for a narrow table, `card` how a card shows it
    ("σ {:.3g}"); `percent` where it is a share; `digits` in a table.
    """

    name: str
    title: str
    short: str = ""
    card: str = ""
    percent: bool = False
    digits: int = 4


@dataclass(frozen=True)
class Figure:
    """A figure of the page: `kind` is one that ui/discover draws, `values` the column it shows, `quantity` the label of
    its axis, `wait` what stands there before.
    """

    kind: str
    title: str
    values: str = ""
    quantity: str = ""
    wait: str = ""


@dataclass(frozen=True)
class Preset:
    """Settings to begin with: `values` are fields of FindRequest and settings of the method; what a preset does not
    name keeps its default. `layers`: number of blocks → (source, target), None for the usual ones of the model.
    `prompts`: how many are used, None for the usual number. `name` tells presets apart, `label` is what a person reads.
    """

    name: str
    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    layers: Callable[[int], tuple[int, int]] | None = None
    prompts: int | None = None

    @property
    def published(self) -> bool:
        """Whether these are the settings of the paper."""
        return self.name.endswith("-published")


@dataclass(frozen=True)
class Continues:
    """A method whose sets can be gone on with: settings that `may_change` then, and tensors that a set `needs`."""

    may_change: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method: what it is called, what it reads and finds, its settings, and the function that runs it.

    `summary` and `description` are the command line's; `about` is a sentence for the page, `source` the paper.
    `settings` is a frozen dataclass of fields made by `setting`. `norm` says what norms of its rows mean: "unit"
    nothing, "given" that of the request, "free" a finding. `values` are columns of its sets. `passes` gives forward
    passes through the blocks between the layers (or up to the source) that a request costs, a prompt; `cost` names
    settings that the cost line tells; with `at_most` a run may end early. `check` raises InputError for settings that
    do not go together; `reads_all` says whether a request reads every position where the number of tokens alone does
    not tell. `run`, as "module:function", is imported when it is used: it takes a Context and returns Found. `rank`
    orders menus.
    """

    name: str
    label: str
    called: str
    summary: str
    description: str
    about: str
    run: str
    source: str = ""
    settings: type = NoSettings
    reads: Reads = Reads()
    count: Count | None = Count()
    seed: str = "seed of the random start"
    norm: Literal["unit", "given", "free"] = "unit"
    values: tuple[Column, ...] = ()
    figures: tuple[Figure, ...] = ()
    presets: tuple[Preset, ...] = ()
    passes: Callable[[FindRequest], float] = lambda request: 1.0
    cost: tuple[str, ...] = ()
    at_most: bool = False
    check: Callable[[FindRequest], None] | None = None
    reads_all: Callable[[FindRequest], bool] | None = None
    continues: Continues | None = None
    rank: int = 100

    @property
    def options(self) -> dict[str, Setting]:
        """Its settings by name."""
        return settings_of(self.settings)

    def starter(self) -> Callable[[Context], Found]:
        """The function that runs it, imported now."""
        found: Callable[[Context], Found] = resolve(self.run)
        return found


def alternatives(options: Mapping[str, Setting]) -> list[tuple[str, ...]]:
    """Names of settings in order, those that are alternatives of each other together."""
    groups: dict[str, list[str]] = {}
    for name, one in options.items():
        groups.setdefault(f"={one.alternative.name}" if one.alternative else name, []).append(name)
    return [tuple(names) for names in groups.values()]


def of_depth(source: int, target: int, depth: int) -> Callable[[int], tuple[int, int]]:
    """The layers that lie where `source` and `target` lie in a model of `depth` blocks, for a Preset."""
    return lambda blocks: within((round(source * blocks / depth), round(target * blocks / depth)), blocks)


def within(layers: Sequence[int], blocks: int) -> tuple[int, int]:
    """0 ≤ source < target < blocks, as near to `layers` as that goes."""
    source = max(min(layers[0], blocks - 2), 0)
    return source, max(min(layers[1], blocks - 1), source + 1)
