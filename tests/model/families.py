"""What the playground does with tiny models of every family, beside plain loops, and the table of it in the docs.

    python tests/model/families.py [FAMILY …] [--write]

prints a row for each family, all of them (a few minutes) without a name; --write makes assets/docs/FAMILIES.md anew.
"""

from __future__ import annotations

import copy
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import tiny_families
import tiny_models
import torch
import transformers
from torch import Tensor, nn

from playground.core.push import Push
from playground.errors import ModelError
from playground.model.cut.layer_slice import LayerSlice
from playground.model.generation.generate import Sampling, generate
from playground.model.load import LoadedModel, wrap
from playground.model.prompting import pad_left
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.question_trees import Question

SOURCE, TARGET = 1, 3
TOKENS = 2  # that are read at the target
NEW_TOKENS = 5
PROMPTS = ((31, 57, 90, 22, 140, 33, 208, 61, 75, 90, 119), (44, 203, 71, 52, 160))
"""Of unequal lengths, the first longer than any window (tiny_families.WINDOW)."""
STEP = {torch.float64: 1e-4, torch.float32: 1e-2}
"""Of finite differences: larger ones reach other experts, smaller ones drown in what families compute in float32."""

SLOW = {"bailing_hybrid", "kimi_linear"}  # a loop in Python over positions takes many minutes in all; by name only

TABLE = Path(__file__).resolve().parents[2] / "assets/docs/FAMILIES.md"
SIGMA_ERROR, MEASURE_ERROR = 0.01, 1e-3


@dataclass(frozen=True)
class Row:
    """What was measured of a family: the largest error of each kind, or why it was refused."""

    family: str
    kind: str  # the class of its model
    refused: str = ""
    sigma: float = 0.0  # of the singular values, relative, beside dense float64
    texts: bool = True  # greedy texts at all three positions are those of a plain loop
    measure: float = 0.0  # of log-odds, in nats

    @property
    def verdict(self) -> str:
        """exact, refused or off."""
        if self.refused:
            return "refused"
        return "exact" if self.sigma <= SIGMA_ERROR and self.texts and self.measure <= MEASURE_ERROR else "off"

    def __str__(self) -> str:
        reason = self.refused.partition(f"({self.kind}): ")[2].partition("; choose ")[0] or self.refused
        found = "" if self.refused else f"σ to {self.sigma:.0e}, log-odds to {self.measure:.0e}"
        return f"| `{self.family}` | `{self.kind}` | {self.verdict} | {reason or found} |"


def measured(family: str) -> Row | None:
    """Build a family and try all on it; None where no tiny model of it reads text."""
    try:
        model = tiny_families.model_of(family)
        kind = type(model).__name__
        with torch.no_grad():
            model(input_ids=torch.tensor(PROMPTS[1:]))
    except Exception as error:  # every configuration fails in its own way on sizes that do not fit it
        print(f"{family}: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    try:
        loaded = wrap(model, tiny_models.tokenizer(), family)
    except ModelError as error:
        return Row(family, kind, refused=str(error))
    texts = all(steered(loaded, where) == [plainly(loaded, prompt, where) for prompt in PROMPTS] for where in PLACES)
    measure = max(measure_error(loaded, where) for where in PLACES)
    with suppress(ModelError):  # of families that cannot compute in float64
        exact = copy.deepcopy(model).double()
        exact.set_experts_implementation("eager")  # as `load` does: the grouped kernel knows no float64
        loaded = wrap(exact, tiny_models.tokenizer(), family)
    return Row(family, kind, sigma=sigma_error(loaded), texts=texts, measure=measure)


def written(rows: Sequence[Row], untried: Sequence[str]) -> str:
    """The document with the table."""
    exact = [row for row in rows if row.verdict == "exact"]
    counted = ", ".join(f"{len([row for row in rows if row.verdict == kind])} {kind}" for kind in ("exact", "refused"))
    return f"""# Families of models

Written by `python tests/model/families.py --write` with transformers {transformers.__version__};
`tests/model/test_families.py` holds it.

What can be steered is not a list of names. When a model is loaded, `playground/model/fitness.py` runs it on two short
prompts and asks: where are its blocks, do they put out (B, T, d) and pass on nothing else of a push, do they give the
same when they are run by themselves, does a push at generated tokens act there, is a prompt that is padded in a batch
read as it is alone, does what the model says come from its last block. A model that fails is refused with the reason.

The table is made with tiny random models (4 blocks of width 32, windows of {tiny_families.WINDOW} tokens) of all
families that transformers has for text, and for images with text, of which the decoder is used and only text is given.
Each is held to plain loops without a batch, padding or a cache: singular values from central differences in float64
(within 1 %), greedy texts steered at all, prompt and generated positions (the same tokens), log-odds of answers (within
0.001 nats), on prompts of 11 and 5 tokens. Largest errors of the exact ones: σ {max(row.sigma for row in exact):.1%},
log-odds {max(row.measure for row in exact):.0e} nats.

{counted}:

| family | class | | |
|---|---|---|---|
""" + "\n".join(map(str, rows)) + f"""

Not tried, since no tiny model of theirs reads text here (they want an image, a package, or sizes
that fit each other, or take many minutes):
{textwrap.fill(", ".join(untried), 120)}.
"""


PLACES = ("all", "prompt", "generated")


def blocks(loaded: LoadedModel) -> nn.ModuleList:
    """The decoder blocks, looked for without the playground: the first list of that many in the language model."""
    config = loaded.model.config.get_text_config(decoder=True)
    counts = {getattr(config, name, None) for name in ("num_hidden_layers", "decoder_layers", "num_layers")}
    lists = [
        (name, module)
        for name, module in loaded.model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) in counts and not OTHERS.intersection(name.split("."))
    ]
    return min(lists, key=lambda pair: pair[0].count("."))[1]


OTHERS = {"visual", "vision_tower", "vision_model", "audio_tower", "vision_encoder"}


@contextmanager
def pushed(loaded: LoadedModel, layer: int, vectors: Tensor, first: int, last: int | None) -> Iterator[None]:
    """Add `vectors`, (d,) or (B, 1, d), to the places `first` to `last` of what block `layer` puts out."""

    def add(module: nn.Module, args: object, output: Any) -> Any:
        stream = in_output(output).clone()
        stream[:, first:last] += vectors.to(stream)
        return stream if isinstance(output, Tensor) else type(output)((stream, *output[1:]))

    handle = blocks(loaded)[layer].register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


def in_output(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def direction() -> Tensor:
    return 3.0 * torch.randn(tiny_families.WIDTH, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def plain_logits(loaded: LoadedModel, tokens: Sequence[int], prompt: int, where: str, push: bool = True) -> Tensor:
    """(T, vocabulary) of one text by itself, without a cache."""
    first, last = {"all": (0, None), "prompt": (0, prompt), "generated": (prompt, None)}[where]
    ids = torch.tensor([list(tokens)])
    with pushed(loaded, SOURCE, direction() * push, first, last):
        return loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0]


def plainly(loaded: LoadedModel, prompt: Sequence[int], where: str) -> list[int]:
    """Greedy text by a plain loop: a whole pass for each token."""
    tokens = list(prompt)
    for _ in range(NEW_TOKENS):
        tokens.append(int(plain_logits(loaded, tokens, len(prompt), where)[-1].argmax()))
    return tokens[len(prompt) :]


def steered(loaded: LoadedModel, where: str) -> list[list[int]]:
    """The same by the playground, all prompts in one batch."""
    push = [Push(SOURCE, direction())]
    loaded.model.generation_config.eos_token_id = None
    loaded.tokenizer.eos_token = None
    sampling = Sampling(max_new_tokens=NEW_TOKENS)
    done = generate(loaded, pad_left(loaded, PROMPTS), [push] * len(PROMPTS), where, sampling)
    return [list(row) for row in done.token_ids]


def measure_error(loaded: LoadedModel, where: str) -> float:
    """Largest error of the log-odds of answers, of one and of several tokens, at a push."""
    answers = (((), (11,), (12,)), ((70,), (65, 80), (90, 61, 77)))
    asked = [Question(prompt, *own) for prompt, own in zip(PROMPTS, answers, strict=True)]
    (reading,) = AnswerReader(loaded, asked, where).read([[Push(SOURCE, direction())]])
    off = 0.0
    for question, found in zip(asked, reading.differences.tolist(), strict=True):
        scores = []
        for side in question.sides:
            tokens = [*question.prompt, *question.shared, *side]
            logits = plain_logits(loaded, tokens, len(question.prompt), where).double().log_softmax(dim=-1)
            begin = len(question.prompt) if not question.by_logit else len(tokens) - 1
            scores.append(sum(float(logits[place - 1, tokens[place]]) for place in range(begin, len(tokens))))
        off = max(off, abs(found - scores[0] + scores[1]))
    return off if off == off else float("inf")


def sigma_error(loaded: LoadedModel) -> float:
    """Largest relative error of the first four singular values, beside central differences of plain passes."""
    operator = LayerSlice.prepare(loaded, pad_left(loaded, PROMPTS), SOURCE, TARGET, TOKENS).jacobian()
    columns = operator.matmat(torch.eye(operator.shape[1]))
    rows = operator.rmatmat(columns)  # JᵀJ, by products with the transpose
    expected = torch.linalg.svdvals(dense(loaded))[:4]
    forward = torch.linalg.svdvals(columns)[:4]
    both = torch.linalg.eigvalsh((rows + rows.T) / 2).flip(0)[:4].clamp(min=0).sqrt()
    return max(float(((found - expected) / expected).abs().max()) for found in (forward, both))


@torch.no_grad()
def dense(loaded: LoadedModel) -> Tensor:
    """(n·K·d, d): the Jacobian stacked over the prompts, divided by √n."""
    d, read = tiny_families.WIDTH, []
    handle = blocks(loaded)[TARGET].register_forward_hook(
        lambda module, args, output: read.append(in_output(output))
    )
    step = STEP[loaded.dtype]
    steps = step * torch.cat([torch.eye(d), -torch.eye(d)]).to(loaded.dtype)[:, None]
    parts = []
    try:
        for prompt in PROMPTS:
            read.clear()
            ids = torch.tensor([prompt] * (2 * d))
            with pushed(loaded, SOURCE, steps, 0, None):
                loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
            up, down = read[0][:, -TOKENS:].flatten(1).split(d)
            parts.append((up - down).T / (2 * step))
    finally:
        handle.remove()
    return torch.cat(parts) / len(PROMPTS) ** 0.5


def main(names: Sequence[str], write: bool) -> None:
    rows, untried = [], []
    for name in names or sorted(set(tiny_families.NAMES) - SLOW):
        row = measured(name)
        if row is None:
            untried.append(name)
        else:
            rows.append(row)
            print(row, flush=True)
    if write:
        TABLE.write_text(written(rows, sorted([*untried, *SLOW])), encoding="utf-8")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    main([name for name in sys.argv[1:] if name != "--write"], "--write" in sys.argv)
