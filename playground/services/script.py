"""Python scripts that repeat a generation with torch and transformers alone, vectors and all in one file.

For people who want to see exactly what is done to the model, or to do it in a program of their own.
"""

from __future__ import annotations

import base64
import math
import os
import re
import textwrap
from pathlib import Path
from pprint import pformat

import torch

from playground.core.edit import clamps_of, pushes_of
from playground.core.positions import window
from playground.errors import InputError
from playground.library.mix import LoadSet, mix
from playground.library.recipe import format as format_recipe
from playground.model.adapter import split_adapter
from playground.model.blocks import decoder_blocks
from playground.model.load import LoadedModel, auto_name
from playground.model.prompting import render
from playground.model.source import ORGANISM
from playground.services.generate import GenerateRequest

_WIDTH = 96


def transformers_script(loaded: LoadedModel, request: GenerateRequest, load_set: LoadSet, command: str = "") -> str:
    """The script for the first prompt and the first recipe of a request: it prints the tokens of the baseline and of
    the steered text, as `generate` has them. `command` is the command that does the same with the playground.

    Raises what `generate` raises for the request.
    """
    recipe = request.recipes[0] if request.recipes else None
    edits = () if recipe is None else mix(loaded, recipe, load_set).edits
    prompt = render(loaded, request.prompts[0], request.format)
    where = window(request.positions)
    sampling = request.sampling
    values = {
        "MODEL": _name(loaded),
        "AUTO": auto_name(loaded.model),
        "MERGE": _merge(loaded),
        "REVISION": repr(loaded.revision),
        "DTYPE": str(loaded.dtype),
        "DEVICE": repr(str(loaded.device)),
        "BLOCKS": repr(_blocks_path(loaded)),
        "PROMPT": pformat(prompt, width=_WIDTH),
        "SPECIAL": repr(not request.format.chat),
        "WINDOW": f"{where.first}, {where.last}",
        "MAX_NEW_TOKENS": str(sampling.max_new_tokens),
        "TEMPERATURE": repr(float(sampling.temperature)),
        "TOP_P": repr(float(sampling.top_p)),
        "SEED": str(sampling.seed),
        "SAMPLES": str(request.samples),
        "PUSHES": "".join(f"    {push.layer}: {_packed(push.vector)},\n" for push in pushes_of(edits)),
        "CLAMPS": "".join(
            f"    ({clamp.layer}, {_packed(clamp.basis)}, {_bounds(clamp.low)}, {_bounds(clamp.high)}),\n"
            for clamp in clamps_of(edits)
        ),
    }
    needs = "" if split_adapter(loaded.name)[1] is None else ", peft for the adapter"
    about = [
        "Text of a language model with and without steering of its residual stream.",
        "",
        f"Recipe: {'nothing' if recipe is None else format_recipe(recipe)}",
        f"Written by the Steering Playground; it needs torch and transformers{needs}, and nothing of the playground:",
        "",
        "    python steered.py [MODEL]      a Hub id, a folder, or a GGUF file; without it the one below",
        "",
        "Another device, dtype or version of torch rounds differently, and where two tokens are about as likely the",
        "other one may follow. Sampling draws from SEED, prompt and sample alone, as the playground does.",
        *(["", "The same with the playground:", "", f"    {command}"] if command else []),
    ]
    values["ABOUT"] = _documented(about)
    return re.sub("<([A-Z_]+)>", lambda place: values[place[1]], _TEMPLATE)


def _name(loaded: LoadedModel) -> str:
    """The expression for the model: a path of this machine only by its last part, since scripts are sent to others."""
    name = split_adapter(loaded.name)[0] or loaded.name
    if name == "organism":
        return f"{'/'.join(ORGANISM.parts[-2:])!r}  # in a checkout of the playground"
    if os.path.exists(name):
        return f"{Path(name).name!r}  # wherever you have it"
    return repr(re.split("[@:]", name)[0])


def _merge(loaded: LoadedModel) -> str:
    """The lines that merge the model's adapter, if it has one; its folder too by its last part only."""
    folder = split_adapter(loaded.name)[1]
    if folder is None:
        return ""
    call = f"peft.PeftModel.from_pretrained(model, {Path(folder).name!r}, torch_device=\"cpu\")  # wherever you have it"
    return f"\n    import peft\n\n    model = {call}\n    model = model.merge_and_unload()"


def _blocks_path(loaded: LoadedModel) -> str:
    blocks = decoder_blocks(loaded.model)
    path: str | None = next((name for name, module in loaded.model.named_modules() if module is blocks), None)
    if path is None:  # a decoder that is no part of the model it belongs to
        raise InputError(f"Expected the blocks of {loaded.name} to have a name in it, got none; use the command.")
    return path


def _bounds(bounds: torch.Tensor) -> str:
    numbers = [f"float({str(bound)!r})" if math.isinf(bound) else repr(bound) for bound in bounds.tolist()]
    return f"[{', '.join(numbers)}]"


def _packed(vector: torch.Tensor) -> str:
    data = base64.b64encode(vector.detach().float().cpu().numpy().astype("<f4").tobytes()).decode()
    lines = "\n".join(f'        "{line}"' for line in textwrap.wrap(data, _WIDTH))
    return f"(\n{lines}\n    )"


def _documented(lines: list[str]) -> str:
    """Lines for a docstring, where a backslash or quotes of a name must end nothing."""
    return "\n".join(line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines)


_TEMPLATE = '''"""<ABOUT>
"""

import base64
import hashlib
import sys
from pathlib import Path

import torch
import transformers

MODEL = <MODEL>
REVISION = <REVISION>
DTYPE, DEVICE = <DTYPE>, <DEVICE>
BLOCKS = <BLOCKS>  # where the model keeps its decoder blocks
PROMPT = <PROMPT>
SPECIAL = <SPECIAL>  # whether the tokenizer adds its special tokens; a chat template has written them
FIRST, LAST = <WINDOW>  # tokens that are steered, counted from the prompt's last one, which is 0; None: no bound
MAX_NEW_TOKENS = <MAX_NEW_TOKENS>
TEMPERATURE, TOP_P, SEED, SAMPLES = <TEMPERATURE>, <TOP_P>, <SEED>, <SAMPLES>  # temperature 0 is greedy
# Block -> what is added to its output: float32, little-endian, base64.
PUSHES = {
<PUSHES>}
# What is held before that, in this order: a block, orthonormal directions, and the bounds of the components along them.
CLAMPS = [
<CLAMPS>]


def load(name):
    """The model and its tokenizer."""
    where, options = name, {"revision": REVISION}
    if name.endswith(".gguf"):
        where, options = str(Path(name).parent), {"gguf_file": Path(name).name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(where, **options)
    if "gguf_file" in options and hasattr(transformers, "GgufConfig"):
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    model = transformers.<AUTO>.from_pretrained(where, dtype=DTYPE, **options)<MERGE>
    return model.to(DEVICE).eval(), tokenizer


def unpacked(text):
    """A vector (d,)."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)


def steering():
    """{block: (what is held there, the vector that is then added or None)}."""
    changes = {layer: ([], unpacked(text)) for layer, text in PUSHES.items()}
    for layer, text, *bounds in CLAMPS:
        held, vector = changes.get(layer, ([], None))
        held.append((unpacked(text).view(len(bounds[0]), -1), *map(torch.tensor, bounds)))
        changes[layer] = held, vector
    return changes


def draws(prompt, sample):
    """The uniform numbers of one text, float32."""
    name = hashlib.sha256(f"{SEED} {sample} {tuple(prompt)}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(name[:8], "big") >> 1)
    numbers = torch.rand(MAX_NEW_TOKENS, generator=generator, dtype=torch.float64)
    return numbers.float().clamp(max=1 - 2**-24)


def chosen(logits, uniform):
    """The next token: the likeliest, or one drawn by inverting the cumulative distribution at `uniform`."""
    if TEMPERATURE == 0:
        return int(logits.argmax())
    probabilities, order = ((logits - logits.max()) / TEMPERATURE).softmax(dim=-1), None
    if TOP_P < 1:
        probabilities, order = probabilities.sort(descending=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        probabilities = probabilities.masked_fill(before >= TOP_P, 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    place = torch.searchsorted(cumulative, uniform.to(cumulative) * cumulative[-1:], right=True)
    place = min(int(place), int(probabilities.nonzero().max()))
    return place if order is None else int(order[place])


@torch.no_grad()
def write(model, tokenizer, changes, sample):
    """The tokens of one text; `changes` is {block: (clamps, vector or None)}."""
    prompt = tokenizer(PROMPT, add_special_tokens=SPECIAL)["input_ids"]
    ends = model.generation_config.eos_token_id
    ends = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id}
    uniforms = draws(prompt, sample)
    number = 0  # of the last token that is read

    def changed(hidden, clamps, vector):
        for basis, low, high in clamps:
            wide, basis = hidden.float(), basis.to(hidden.device)
            along = wide @ basis.T
            held = along.clamp(min=low.to(hidden.device), max=high.to(hidden.device))
            hidden = (wide + (held - along) @ basis).to(hidden.dtype)
        return hidden if vector is None else hidden + vector.to(hidden.device, hidden.dtype)

    def changing(clamps, vector):
        def hook(module, args, output):
            hidden = output[0] if isinstance(output, tuple) else output
            numbers = torch.arange(hidden.shape[1], device=hidden.device) + number - hidden.shape[1] + 1
            inside = numbers == numbers
            if FIRST is not None:
                inside &= numbers >= FIRST
            if LAST is not None:
                inside &= numbers <= LAST
            hidden = torch.where(inside[:, None], changed(hidden, clamps, vector), hidden)
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        return hook

    blocks = model.get_submodule(BLOCKS)
    hooks = [blocks[layer].register_forward_hook(changing(*change)) for layer, change in changes.items()]
    tokens, cache, new = [], None, prompt
    try:
        for step in range(MAX_NEW_TOKENS):
            done = model(input_ids=torch.tensor([new], device=DEVICE), past_key_values=cache, use_cache=True)
            cache, number = done.past_key_values, step + 1
            token = chosen(done.logits[0, -1].float(), uniforms[step])
            if token in ends:
                break
            tokens.append(token)
            new = [token]
    finally:
        for hook in hooks:
            hook.remove()
    return tokens


def main():
    model, tokenizer = load(sys.argv[1] if len(sys.argv) > 1 else MODEL)
    for name, changes in {"baseline": {}, "steered": steering()}.items():
        for sample in range(SAMPLES):
            tokens = write(model, tokenizer, changes, sample)
            print(f"--- {name}" + (f", sample {sample + 1}" if SAMPLES > 1 else ""))
            print(tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
            print("tokens", tokens)


if __name__ == "__main__":
    main()
'''
