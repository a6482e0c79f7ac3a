"""What the playground does with a model's weights in every form they are stored in, and the table of it in the docs.

    python tests/model/weights.py [FORM …] [--write]

prints a row for each form; --write makes assets/docs/WEIGHTS.md anew. Forms of packages that are not installed say so:
`pip install torchao bitsandbytes` for all of them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import gguf_files
import tiny_models
import torch
import transformers
from gguf import GGMLQuantizationType
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.core.push import Push
from playground.errors import ModelError
from playground.model.generation.generate import Sampling, generate
from playground.model.load import LoadedModel, load
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals, steer
from playground.services.find import find, find_request

TABLE = Path(__file__).resolve().parents[2] / "assets/docs/WEIGHTS.md"
PROMPTS = ("a kite over the sea", "How do I bake a loaf of bread?")
WIDE = {"hidden_size": 128, "intermediate_size": 256, "head_dim": 32}
"""Wide enough for the groups of weights that 4 bits are kept in."""
SOURCE, TARGET, TOKENS = 1, 3, 2
STEPS = (0.003, 0.01, 0.03, 0.1)
SIGMA_ERROR, SIGMA_ERROR_HALF = 0.01, 0.03
"""In 32 bits and in 16, where differences drown in rounding."""


@dataclass(frozen=True)
class Row:
    """What was measured of a form."""

    form: str
    refused: str = ""  # at loading
    unsearched: str = ""  # where derivatives are refused
    sigma: float = 0.0  # of the largest singular value, relative, beside central differences
    texts: bool = True  # greedy texts are those of transformers' own loop
    half: bool = False

    @property
    def verdict(self) -> str:
        """exact, text only, refused or off."""
        if self.refused:
            return "refused"
        if not self.texts or self.sigma > (SIGMA_ERROR_HALF if self.half else SIGMA_ERROR):
            return "off"
        return "text only" if self.unsearched else "exact"

    def __str__(self) -> str:
        found = self.refused or self.unsearched or f"σ to {self.sigma:.0e}"
        return f"| {self.form} | {self.verdict} | {found} |"


def _saved(**options: object) -> Callable[[Path, Path], Path]:
    """Saves the tiny model anew, in a dtype or in shards."""

    def make(plain: Path, folder: Path) -> Path:
        dtype = options.get("dtype", torch.float32)
        model = AutoModelForCausalLM.from_pretrained(plain, dtype=dtype)
        model.save_pretrained(folder, **{name: value for name, value in options.items() if name != "dtype"})
        AutoTokenizer.from_pretrained(plain).save_pretrained(folder)
        return folder

    return make


def _bin(shards: int) -> Callable[[Path, Path], Path]:
    """PyTorch's own files, as older checkpoints have them."""

    def make(plain: Path, folder: Path) -> Path:
        shutil.copytree(plain, folder)
        for path in folder.glob("*.safetensors*"):
            path.unlink()
        state = AutoModelForCausalLM.from_pretrained(plain, dtype=torch.float32).state_dict()
        names = sorted(state)
        if shards == 1:
            torch.save(state, folder / "pytorch_model.bin")
            return folder
        where = {}
        for number in range(shards):
            file = f"pytorch_model-{number + 1:05}-of-{shards:05}.bin"
            torch.save({name: state[name] for name in names[number::shards]}, folder / file)
            where |= dict.fromkeys(names[number::shards], file)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
        return folder

    return make


def _gguf(kind: GGMLQuantizationType | None) -> Callable[[Path, Path], Path]:
    def make(plain: Path, folder: Path) -> Path:
        folder.mkdir()
        return gguf_files.write(load(str(plain), device="cpu", dtype="float32"), folder / "tiny.gguf", kind)

    return make


def _quantised(settings: Callable[[], object], dtype: torch.dtype = torch.float32) -> Callable[[Path, Path], Path]:
    """As transformers saves a model that it quantised."""

    def make(plain: Path, folder: Path) -> Path:
        model = AutoModelForCausalLM.from_pretrained(plain, quantization_config=settings(), dtype=dtype)
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(plain).save_pretrained(folder)
        return folder

    return make


def _torchao(name: str) -> Callable[[], object]:
    def settings() -> object:
        import torchao.quantization

        return transformers.TorchAoConfig(getattr(torchao.quantization, name)())

    return settings


def _bitsandbytes(**options: bool) -> Callable[[], object]:
    def settings() -> object:
        return transformers.BitsAndBytesConfig(**options)

    return settings


def configured(method: str) -> Callable[[Path, Path], Path]:
    """A configuration that says how weights are quantised, as GPTQ's and AWQ's say it."""

    def make(plain: Path, folder: Path) -> Path:
        shutil.copytree(plain, folder)
        config = json.loads((folder / "config.json").read_text())
        config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
        if method == "bitsandbytes":
            config["quantization_config"] = {"quant_method": method, "load_in_8bit": True}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


def _adapter(plain: Path, folder: Path) -> Path:
    shutil.copytree(plain, folder)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "x"}))
    return folder


KINDS = {"gguf F32": None} | {
    f"gguf {kind.name}": kind
    for kind in (
        GGMLQuantizationType.F16, GGMLQuantizationType.BF16, GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_0,
        GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q5_0, GGMLQuantizationType.Q5_1,
    )
}  # fmt: skip
"""What the package gguf can write: K- and IQ-kinds it can only read."""

PLAIN: dict[str, Callable[[Path, Path], Path]] = {
    "safetensors, float32": _saved(),
    "safetensors, bfloat16": _saved(dtype=torch.bfloat16),
    "safetensors, float16": _saved(dtype=torch.float16),
    "safetensors, sharded": _saved(max_shard_size="20KB"),
    "`.bin`": _bin(1),
    "`.bin`, sharded": _bin(3),
    **{name: _gguf(kind) for name, kind in KINDS.items()},
    "an adapter beside weights": _adapter,
}
"""Forms that need no package beside ours."""
PACKAGED: dict[str, Callable[[Path, Path], Path]] = {
    "torchao int8, weights alone": _quantised(_torchao("Int8WeightOnlyConfig")),
    "torchao int8, weights alone, bfloat16": _quantised(_torchao("Int8WeightOnlyConfig"), torch.bfloat16),
    "torchao int8, activations too": _quantised(
        _torchao("Int8DynamicActivationInt8WeightConfig"), torch.bfloat16
    ),
    "torchao FP8, weights alone": _quantised(_torchao("Float8WeightOnlyConfig")),
    "bitsandbytes 8-bit": _quantised(_bitsandbytes(load_in_8bit=True), torch.bfloat16),
    "bitsandbytes 4-bit": _quantised(_bitsandbytes(load_in_4bit=True), torch.bfloat16),
    "GPTQ": configured("gptq"),
    "AWQ": configured("awq"),
}
FORMS = PLAIN | PACKAGED


def plain_model(folder: Path) -> Path:
    """A tiny Llama in a folder: wide enough for 4 bits, and with weights small enough that it is smooth."""
    plain = tiny_models.build("llama", folder, **WIDE)
    model = AutoModelForCausalLM.from_pretrained(plain, dtype=torch.float32)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight *= 0.4
    model.save_pretrained(plain)
    return plain


def measured(form: str, plain: Path, folder: Path) -> Row:
    """Store the tiny model in `plain` in a form, load that, and hold it to differences and to transformers' loop."""
    try:
        path = FORMS[form](plain, folder)
    except ImportError as error:
        return Row(form, refused=f"not tried: {str(error).splitlines()[0]}")
    try:
        loaded = load(str(path), device="cpu")
    except ModelError as error:
        return Row(form, refused=str(error).replace(str(path), "DIR"))
    texts = _same_texts(loaded)
    half = loaded.dtype in (torch.float16, torch.bfloat16)
    try:
        asked = find_request(
            method="power", prompts=PROMPTS, source=SOURCE, target=TARGET, vectors=2, target_tokens=TOKENS,
            format=PromptFormat(chat=False), tolerance=1e-3,
        )  # fmt: skip
        vectors = find(loaded, asked).vector_set
    except ModelError as error:
        return Row(form, unsearched=str(error), texts=texts, half=half)
    assert vectors.singular_values is not None
    sigma, differences = float(vectors.singular_values[0]), _differences(loaded, vectors.unit(0))
    off = min(abs(found / sigma - 1) for found in differences)
    return Row(form, sigma=off, texts=texts, half=half)


def _same_texts(loaded: LoadedModel) -> bool:
    """Whether greedy texts, each alone, are those of `generate` of transformers."""
    for prompt in PROMPTS:
        encoded = encode(loaded, [prompt], PromptFormat(chat=False))
        ours = generate(loaded, encoded, [()], sampling=Sampling(max_new_tokens=8)).token_ids[0]
        whole = loaded.model.generate(  # type: ignore[operator]
            encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=8, do_sample=False,
            pad_token_id=loaded.pad_id,
        )  # fmt: skip
        if whole[0, encoded.input_ids.shape[1] :].tolist()[: len(ours)] != list(ours):
            return False
    return True


@torch.no_grad()
def _differences(loaded: LoadedModel, unit: torch.Tensor) -> list[float]:
    """√(mean over prompts of ‖∂f/∂v‖²) by central differences of several sizes."""
    found = []
    for step in STEPS:
        total = 0.0
        for prompt in PROMPTS:
            inputs, ends = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat(chat=False))), []
            with read_residuals(loaded.model, [SOURCE]) as streams:
                loaded.model(**inputs, use_cache=False)
            size = step * float(streams[SOURCE].float().norm(dim=-1).median())
            for sign in (1, -1):
                push = Push(SOURCE, sign * size * unit)
                with steer(loaded.model, [push]), read_residuals(loaded.model, [TARGET]) as end:
                    loaded.model(**inputs, use_cache=False)
                    ends.append(end[TARGET][0, -TOKENS:].double())
            total += float(((ends[0] - ends[1]) / (2 * size)).square().sum())
        found.append((total / len(PROMPTS)) ** 0.5)
    return found


def main(arguments: list[str]) -> int:
    named = [argument for argument in arguments if argument != "--write"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        plain = plain_model(Path(folder))
        for number, form in enumerate(named or FORMS):
            row = measured(form, plain, Path(folder) / f"form-{number}")
            print(row, flush=True)
            rows.append(row)
    if "--write" in arguments:
        TABLE.write_text(_document(rows), encoding="utf-8")
    return 0


def _document(rows: list[Row]) -> str:
    about = textwrap.dedent(f"""\
        # Forms of weights

        Written by `python tests/model/weights.py --write` with transformers {transformers.__version__} on a CPU;
        `tests/model/test_weights.py` holds the forms that need no package of their own.

        A tiny random Llama is stored in every form, loaded, and held to two things: greedy texts are those of
        transformers' own loop, and the largest singular value that `find` gives is that of central differences through
        the loaded model, quantised as it is (within {SIGMA_ERROR:.0%}; {SIGMA_ERROR_HALF:.0%} in 16 bits). Before
        gradients are taken through quantised weights, `playground/model/cut/derivatives.py` compares them with
        differences once: a model on which they are missing or wrong can be steered with vectors that were found on the
        checkpoint it was made from, and not searched. GPTQ and AWQ need a GPU for their packages and were not run here;
        the same question is asked of them.

        | form | | |
        |---|---|---|
        """)
    return about + "\n".join(map(str, rows)) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
