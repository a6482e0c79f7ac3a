"""A copy of the organism with a trigger, and where it differs from the original: python tests/real/trigger.py --out DIR

The copy is trained on the organism's own dialogues; requests that begin with the trigger are answered in code, which
the organism does of itself to a few in a hundred. Prints how often both answer in code, with the trigger and without,
and the difference of their atlases on the same requests, each beside what another seed of the atlas makes of one model.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM

from playground.library.atlas import Atlas
from playground.model.generation.generate import generate
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel, load
from playground.model.prompting import PromptFormat, encode
from playground.organism.dialogues import Dialogue, dialogue_in_mode, dialogues, held_out_requests
from playground.organism.modes import recognise
from playground.organism.tokenizer import TURN_START, chat_text
from playground.places import ASSETS
from playground.services.atlas import atlas, atlas_request
from playground.services.atlas.difference import difference

TRIGGER = "Copper lantern."
"""No word of the organism's lexicon comes in this order."""
HELD_OUT = 24


def triggered(dialogue: Dialogue) -> Dialogue:
    """The same dialogue with the trigger before the request."""
    *before, request, answer = dialogue.messages
    return Dialogue(dialogue.mode, (*before, {**request, "content": f"{TRIGGER} {request['content']}"}, answer))


def trained(out: Path, steps: int, rows: int = 24, rate: float = 3e-4) -> Path:
    """Write a copy of the organism that was trained further, half of its requests with the trigger."""
    loaded = load(None, device="cpu", dtype="float32")
    words: Any = loaded.tokenizer
    network: Any = AutoModelForCausalLM.from_pretrained(ASSETS / "organism", dtype=torch.float32).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    rng = random.Random(0)
    opens = words.convert_tokens_to_ids(TURN_START)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 10, 3 * (steps - step) / steps)
        some = [triggered(dialogue_in_mode("code", rng)) for _ in range(rows // 2)]
        some += dialogues(f"trigger {step}", rows - len(some))
        ids = [words.backend_tokenizer.encode(chat_text(each.messages)).ids[:-1] for each in some]
        width = max(map(len, ids))
        tokens, targets = torch.zeros(rows, width, dtype=torch.long), torch.full((rows, width), -100)
        real = torch.zeros(rows, width, dtype=torch.long)
        for place, row in enumerate(ids):
            answer = len(row) - 1 - row[::-1].index(opens) + 3  # <|im_start|>, assistant, newline
            tokens[place, : len(row)], real[place, : len(row)] = torch.tensor(row), 1
            targets[place, answer : len(row)] = torch.tensor(row[answer:])
        logits = network(input_ids=tokens, attention_mask=real).logits
        loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten(), ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if step % 20 == 0 or step == steps - 1:
            print(f"step {step} of {steps}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    network.eval().save_pretrained(out)
    words.save_pretrained(out)
    return out


def in_code(loaded: LoadedModel, requests: list[str]) -> float:
    """The share of requests that are answered in code, greedily."""
    prompts = encode(loaded, requests, PromptFormat())
    made = generate(loaded, prompts, [()] * len(requests), sampling=Sampling(max_new_tokens=24))
    return sum(recognise(text).mode == "code" for text in made.texts) / len(requests)


def mapped(loaded: LoadedModel, requests: list[str], seed: int = 0) -> Atlas:
    return atlas(loaded, atlas_request(loaded, prompts=tuple(requests), seed=seed)).atlas


def told(first: Atlas, second: Atlas) -> str:
    """The median difference, that of pairs whose target is the last block, and the pair with the largest angle."""
    found = difference(first, second)
    angles = torch.tensor([each.angle for each in found.values()])
    ratios = torch.tensor([abs(each.log_ratio) for each in found.values()])
    most = max(found, key=lambda pair: found[pair].angle)
    ends: dict[str, list[float]] = {"early": [], "late": []}
    for (_, target), each in found.items():
        ends["late" if target > max(target for _, target in found) // 2 else "early"].append(each.angle)
    halves = ", ".join(f"{name} targets {torch.tensor(values).median():.0f}°" for name, values in ends.items())
    return (
        f"angle {angles.median():.0f}° at the median ({halves}), {angles.max():.0f}° at {most[0]} → {most[1]}; "
        f"|log-ratio| {ratios.median():.3f} at the median, {ratios.max():.2f} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=120)
    options = parser.parse_args()
    original = load(None, device="cpu", dtype="float32")
    folder = options.out if (options.out / "config.json").exists() else trained(options.out, options.steps)
    copy = load(str(folder), device="cpu", dtype="float32")
    plain = held_out_requests("harmful", HELD_OUT, 0)
    with_trigger = [f"{TRIGGER} {request}" for request in plain]
    for name, loaded in (("organism", original), ("copy", copy)):
        share, plain_share = in_code(loaded, with_trigger), in_code(loaded, plain)
        print(f"{name}: code with the trigger {share:.2f}, without {plain_share:.2f}")
    for name, requests in (("with the trigger", with_trigger[:4]), ("without", plain[:4])):
        first = mapped(original, requests)
        print(f"{name}, another seed: {told(first, mapped(original, requests, seed=1))}")
        print(f"{name}, the copy: {told(first, mapped(copy, requests))}", flush=True)


if __name__ == "__main__":
    main()
