"""Measuring choices against the plain loop: a forward pass for each item, vector and scale, a hook, the last logits.

100 items × 12 vectors × 9 scales. Ours is timed as a whole, from tokens to differences; of the plain loop's 10 800
passes a sample, drawn at random and interleaved with ours, and its time is that of the sample times what it is a sample
of.
"""

from __future__ import annotations

import random
import time

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.model.activations import residual_streams
from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.load import LoadedModel
from playground.model.prompting import encode
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question
from playground.model.reading.question_trees import Question
from playground.organism.dialogues import ab_items
from playground.organism.steered import PLAIN, SOURCE
from tests.benchmarks.report import Report

ITEMS, VECTORS, SAMPLE = 100, 12, 300
SCALES = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)  # relative
ASKED = {"cpu": 5, "cuda": 30}
GROUP = 2  # vectors that are timed before the plain loop has its turn


def table(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Markdown: seconds of both ways in one run, and how far they are apart. `repeats` counts for nothing here."""
    items = ab_items(ITEMS, seed=11, held_out=False)
    answers = ("answer_matching_behavior", "answer_not_matching_behavior")
    questions = [question(loaded, item["question"], PLAIN, tuple(item[key] for key in answers)) for item in items]
    encoded = encode(loaded, [item["question"] for item in items], PLAIN)
    norm = residual_streams(loaded, encoded, SOURCE, None).reference_norm
    pushes = [
        [Push(SOURCE, scale * norm * direction) for scale in SCALES]
        for direction in random_directions(VECTORS, loaded.width, seed=0)
    ]
    list(AnswerReader(loaded, questions[:4]).read([pushes[0][:1]]))  # warm
    draw = random.Random(0)
    [_plain(loaded, questions[0], pushes[0][0]) for _ in range(5)]

    ours, plain, worst = 0.0, 0.0, 0.0
    begun = time.perf_counter()
    reader = AnswerReader(loaded, questions, source=SOURCE)
    _wait(loaded)
    ours += time.perf_counter() - begun
    for start in range(0, VECTORS, GROUP):
        report(f"measuring choices, vectors {start} to {start + GROUP - 1} of {VECTORS}")
        chosen = [push for row in pushes[start : start + GROUP] for push in row]
        begun = time.perf_counter()
        readings = iter(reader.read([(push,) for push in chosen if push.vector.any()]))
        read = [(next(readings) if push.vector.any() else reader.baseline).differences for push in chosen]
        ours += time.perf_counter() - begun
        cells = [(draw.randrange(ITEMS), draw.randrange(len(chosen))) for _ in range(SAMPLE * GROUP // VECTORS)]
        begun = time.perf_counter()
        alone = [_plain(loaded, questions[item], chosen[push]) for item, push in cells]
        _wait(loaded)
        plain += time.perf_counter() - begun
        off = [abs(float(value) - float(read[push][item])) for value, (item, push) in zip(alone, cells, strict=True)]
        worst = max(worst, *off)
    passes = ITEMS * VECTORS * len(SCALES)
    whole = plain / SAMPLE * passes
    tokens = sum(len(one.prompt) + len(one.shared) for one in questions)
    sampled = f"from {SAMPLE} of {passes} passes, drawn at random"
    asked = ASKED.get(loaded.device.type, ASKED["cpu"])
    work = f"measuring choices, {ITEMS} items × {VECTORS} vectors × {len(SCALES)} scales"
    report.faster(work, "one pass for each of them", whole / ours, asked)
    return [
        f"{loaded.summary}, pushes at {SOURCE}, {ITEMS} items × {VECTORS} vectors × {len(SCALES)} scales:",
        "",
        "| measuring choices | seconds | slower than this program by |",
        "| --- | --- | --- |",
        f"| this program, {reader.tokens} tokens a push instead of {tokens} | {ours:.1f} | |",
        f"| one pass for each item, vector and scale | {whole:.0f} ({sampled}) | "
        f"{whole / ours:.1f} × (asked: {asked}) |",
        "",
        f"The largest of {SAMPLE} differences between the two is {worst:.1e} (asked: 0.01).",
        "",
    ]


@torch.no_grad()
def _plain(loaded: LoadedModel, one: Question, push: Push) -> Tensor:
    vector = push.vector.to(loaded.device, loaded.dtype)

    def add(module, args, output):
        return replace_block_output(output, block_output(output) + vector)

    tokens = torch.tensor([one.prompt + one.shared], device=loaded.device)
    handle = decoder_blocks(loaded.model)[push.layer].register_forward_hook(add)
    try:
        logits = loaded.model(input_ids=tokens, use_cache=False).logits[0, -1]
    finally:
        handle.remove()
    return logits[one.first[0]] - logits[one.second[0]]


def _wait(loaded: LoadedModel) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()
