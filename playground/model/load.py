"""Loading a causal decoder model and its tokenizer, ready to be steered.

The model is in evaluation mode and its weights need no gradient. Code that comes with a model is never run.
"""

from __future__ import annotations

import copy
import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_MULTIMODAL_LM_MAPPING,
)
from transformers.utils import logging

from playground.core.out_of_memory import is_out_of_memory
from playground.errors import ModelError
from playground.model import gguf
from playground.model.adapter import check_base, merge, open_adapter, split_adapter, with_adapter
from playground.model.blocks import decoder_blocks, width
from playground.model.bounds import check_built, check_files
from playground.model.fingerprint import fingerprint
from playground.model.fitness import check_fitness
from playground.model.panic import tokenizer_panics
from playground.model.pasted import short
from playground.model.source import ORGANISM, Progress, Source, bar, fetch_weights, locate, tensor_count

__all__ = ["DEVICES", "DTYPES", "ORGANISM", "LoadedModel", "load"]

DEVICES = ("auto", "cuda", "mps", "cpu")
DTYPES = ("auto", "bfloat16", "float16", "float32", "float64")

_ROOM = 0.9
"""Share of a device's free memory that weights may take before others are used as well; the rest is for activations."""

_SAID = 160
"""Characters of another library's message that ours quotes."""


@dataclass
class LoadedModel:
    """A model, its tokenizer, and what the rest of the playground asks about them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str  # as the user gave it, "organism" for the shipped model, "NAME + adapter DIR" with an adapter
    revision: str | None  # the commit on the Hub, None for a local model
    device: torch.device  # where inputs go; other devices may hold some of the blocks
    dtype: torch.dtype
    fingerprint: str  # 16 hexadecimal digits
    block_count: int  # L
    width: int  # d
    max_positions: int | None  # None when the architecture has no limit
    parameters: int
    memory_bytes: int

    @property
    def summary(self) -> str:
        """One line for people: "organism · 12 blocks · d 256 · float32 · cpu"."""
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{self.name} · {self.block_count} blocks · d {self.width} · {dtype} · {self.device}"

    @property
    def token_count(self) -> int:
        """How many tokens the model has embeddings for; the tokenizer may know more, or fewer."""
        embeddings: Any = self.model.get_input_embeddings()
        return int(embeddings.weight.shape[0])

    @property
    def pad_id(self) -> int:
        """The token that rows are padded with: the tokenizer's where the model has it. Padding is masked, so that any
        other does as well.
        """
        given = self.tokenizer.pad_token_id
        return given if given is not None and 0 <= given < self.token_count else 0

    def unload(self) -> None:
        """Let go of the model and its memory. Nothing else of this object may be used afterwards."""
        self.model = None  # type: ignore[assignment]
        _free()


@dataclass(frozen=True)
class Recorded:
    """Name and dtype that a file keeps of the model it was computed on; enough for the command that repeats it."""

    name: str
    dtype: str


def is_organism(loaded: LoadedModel | Recorded) -> bool:
    """Whether it is the model that ships."""
    return loaded.name == "organism"


def load(
    name: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    on_progress: Progress | None = None,
    before_weights: Callable[[], None] | None = None,
    adapter: str | Path | None = None,
) -> LoadedModel:
    """Load the model called `name`: a path, a Hub id (with "@revision" if wanted), or None for the shipped one.

    `adapter` is a folder with a LoRA adapter, which PEFT merges into float weights (adapter.py); name and fingerprint
    of the result are its own. A name "NAME + adapter DIR" asks for the same.

    `device` is one of DEVICES or "cuda:N"; auto takes CUDA, then MPS, then the CPU. `dtype` is one of DTYPES; auto
    takes the checkpoint's, of a GGUF file float32 on a CPU and bfloat16 elsewhere. Weights that do not fit on the
    device are spread by accelerate over what else there is.
    `before_weights` is called when all that can be checked without the weights is right: the moment to free the memory
    of a model that this one replaces.
    Errors: ModelError, one sentence, for whatever stands in the way; nothing is kept of a model that failed.
    """
    place = _device(device)
    number_type = _dtype(dtype, place)
    base, folder = split_adapter(with_adapter(name, adapter))
    lora = None if folder is None else open_adapter(folder)
    source = locate(base, on_progress)
    head = None
    if source.gguf is not None:
        head = gguf.read_head(source.folder / source.gguf)
        number_type = gguf.dtype_of(number_type, place)
    else:
        check_files(source.folder, short(source.name))
        _refuse_adapter(source)
    config = _config(source)
    if lora is not None:
        check_base(lora, short(source.name), source.repo, config)
    auto = _auto_class(config, source)
    _drop_tokens_out_of_range(config)
    tokenizer = _tokenizer(source)
    files = fetch_weights(source, on_progress)
    _check_built(auto, config, files, head, source)
    if before_weights is not None:
        before_weights()
    try:
        if head is None or isinstance(number_type, str):
            need = _weight_bytes(files, config, number_type)
        else:
            need = head.weights * number_type.itemsize
        model = _weights(auto, source, need, config, place, number_type, on_progress)
        if lora is not None:
            model = merge(model, lora, short(source.name))
        called = with_adapter(source.name, folder) or source.name
        return _described(model, tokenizer, called, source.revision, place)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        _free()
        raise ModelError(
            f"Expected {source.name} to fit into the memory of {place}, but it ran out; choose a smaller model, "
            "dtype bfloat16, or free memory held by other programs."
        ) from error


def wrap(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str | None = None) -> LoadedModel:
    """A model and a tokenizer that are held already; neither is copied. `name` is what files say it was (None: the name
    in its configuration).

    The tokenizer is set to pad on the left, with a token of its own where it has none, and the model is asked for no
    gradients of its weights. Raises ModelError for a model in training mode, a tokenizer without words, and a model
    that would be steered wrongly (fitness.py).
    """
    if model.training:
        raise ModelError("Expected a model that is evaluated, got one in training mode; call its eval() first.")
    called = name or getattr(model.config, "name_or_path", "") or type(model).__name__
    if not tokenizer("Hello there", add_special_tokens=False)["input_ids"]:
        raise ModelError(f"Expected a tokenizer with words for {called}, got one without; pass that of the model.")
    model.requires_grad_(False)
    return _described(model, _padded_left(tokenizer), called, None, model.device)


def _described(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    revision: str | None,
    device: torch.device,
) -> LoadedModel:
    check_fitness(model, name, tokenizer.all_special_ids)
    limit = getattr(decoder_config(model.config), "max_position_embeddings", None)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        name=name,
        revision=revision,
        device=device,
        dtype=model.dtype,
        fingerprint=fingerprint(model),
        block_count=len(decoder_blocks(model)),
        width=width(model),
        max_positions=limit if isinstance(limit, int) and limit > 0 else None,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        memory_bytes=model.get_memory_footprint(),
    )


def _padded_left(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The tokenizer, set to pad on the left, with an existing token where it has none for that."""
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        # Padding is masked, so any token will do; models without one are padded with the end of text by custom.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def decoder_config(config: Any) -> Any:
    """The part of a configuration that describes the decoder (multimodal models nest it)."""
    return config.get_text_config(decoder=True)


def automatic_device() -> str:
    """CUDA, then MPS, then the CPU: the first that PyTorch finds."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _device(name: str) -> torch.device:
    if name not in DEVICES and not re.fullmatch(r"cuda:\d+", name):
        raise ModelError(f"Expected a device out of {', '.join(DEVICES)} or cuda:N, got {name!r}.")
    if name == "auto":
        name = automatic_device()
    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise ModelError("Expected a CUDA device, but PyTorch finds none; choose the device cpu or auto.")
        place = torch.device(name if ":" in name else "cuda:0")
        if place.index >= torch.cuda.device_count():
            raise ModelError(f"Expected a CUDA device below {torch.cuda.device_count()}, got {name}.")
        return place
    if name == "mps" and not torch.backends.mps.is_available():
        raise ModelError("Expected an Apple GPU for the device mps, but PyTorch finds none; choose cpu or auto.")
    return torch.device(name)


def _dtype(name: str, place: torch.device) -> torch.dtype | str:
    if name not in DTYPES:
        raise ModelError(f"Expected a dtype out of {', '.join(DTYPES)}, got {name!r}.")
    if name == "float64" and place.type == "mps":
        raise ModelError("Expected a dtype that the device mps knows, got float64; choose float32.")
    return name if name == "auto" else getattr(torch, name)


def _config(source: Source) -> Any:
    try:
        return AutoConfig.from_pretrained(
            source.folder, trust_remote_code=False, local_files_only=True, **source.from_file
        )
    except Exception as error:  # transformers fails in many ways on what is no configuration
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"Expected an architecture that transformers has, but {source.name} brings its own code, which is "
                "never run here; choose another model."
            ) from error
        raise ModelError(
            f"Expected a config.json that transformers can read, but that of {source.name} is damaged or of an unknown "
            f"architecture; update transformers or choose another model."
        ) from error


def _refuse_adapter(source: Source) -> None:
    """transformers would apply an adapter that lies beside weights, where PEFT is installed, and else leave it out."""
    if (source.folder / "adapter_config.json").exists():
        raise ModelError(
            f"Expected a model's own weights, but {source.name} holds an adapter (adapter_config.json), which is never "
            "applied unasked; load its base model, with --adapter and a folder that holds the adapter alone."
        )


def _check_built(
    auto: Any, config: Any, files: Sequence[Path], head: gguf.GgufHead | None, source: Source
) -> None:
    """Compare the size of the model that a configuration describes with its files, before any memory is taken."""
    # Blocks that are not there at all are the slowest to find missing: a GGUF's names are looked up for each.
    tensors = tensor_count(files) if head is None else head.blocks
    blocks = getattr(decoder_config(config), "num_hidden_layers", 0)
    file_bytes = sum(path.stat().st_size for path in files)
    if isinstance(blocks, int):
        check_built(blocks, 0, tensors, file_bytes, short(source.name))
    try:
        with torch.device("meta"):
            model = auto.from_config(copy.deepcopy(config), trust_remote_code=False)
    except Exception as error:  # every architecture fails in its own way on a configuration that cannot be
        raise _weights_error(source, error) from error
    elements = sum(parameter.numel() for parameter in (*model.parameters(), *model.buffers()))
    check_built(0, elements, tensors, file_bytes, short(source.name))


def _drop_tokens_out_of_range(config: Any) -> None:
    """Special tokens of a configuration that its own vocabulary does not hold are none: some architectures build an
    embedding around their number, which fails.
    """
    decoder = decoder_config(config)
    size = getattr(decoder, "vocab_size", None)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        given = getattr(decoder, name, None)
        if isinstance(given, int) and isinstance(size, int) and not 0 <= given < size:
            setattr(decoder, name, None)


def _auto_class(config: Any, source: Source) -> Any:
    """The class of transformers that loads what a configuration describes: for text alone, or with images or sound.

    Refuses what is no causal decoder before its weights are read: many encoders would load, and predict noise. Whether
    the decoder can be steered is asked of the model itself (fitness.py).
    """
    kind = type(config).__name__.removesuffix("Config")
    hint = "choose a causal language model such as a Llama, Qwen, Gemma, Mistral or GPT-2."
    named = getattr(config, "architectures", None) or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ModelError(
            f"Expected `architectures` in the configuration of {source.name} to be a list of names; fetch the model's "
            "files again."
        )
    mappings: dict[Any, Any] = {
        AutoModelForCausalLM: MODEL_FOR_CAUSAL_LM_MAPPING,
        AutoModelForMultimodalLM: MODEL_FOR_MULTIMODAL_LM_MAPPING,
    }
    classes = {auto: mapping[type(config)].__name__ for auto, mapping in mappings.items() if type(config) in mapping}
    if getattr(config, "is_encoder_decoder", False) or not classes:
        raise ModelError(
            f"Expected a causal decoder model, but {source.name} is a {kind} model, which is not one; {hint}"
        )
    fitting = [auto for auto, name in classes.items() if name in named or not named]
    # Names of older checkpoints, of one of the code that came with it, and of a class for one head of several.
    if AutoModelForCausalLM in classes and any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in named):
        fitting.append(AutoModelForCausalLM)
    if not fitting:
        shown = ascii(named[0][:80])[1:-1]
        raise ModelError(f"Expected a causal decoder model, but {source.name} holds a {shown}; {hint}")
    # BERT and its kin have a causal class too, for models that were trained as decoders and say so.
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and getattr(config, "is_decoder", True) is False:
        raise ModelError(f"Expected a causal decoder model, but {source.name} is an encoder ({kind}); {hint}")
    return fitting[0]


def auto_name(model: PreTrainedModel) -> str:
    """The name of the class of transformers that loads a checkpoint of such a model."""
    causal = type(model).__name__ in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()
    return (AutoModelForCausalLM if causal else AutoModelForMultimodalLM).__name__


def _tokenizer(source: Source) -> PreTrainedTokenizerBase:
    try:
        with tokenizer_panics(source.name):
            tokenizer = AutoTokenizer.from_pretrained(
                source.folder, trust_remote_code=False, local_files_only=True, **source.from_file
            )
            # Some classes make up a tokenizer without words when they find no files.
            words = set(tokenizer("Hello there", add_special_tokens=False)["input_ids"]) - {tokenizer.unk_token_id}
    except Exception as error:  # every tokenizer class fails in its own way on files that are missing or damaged
        raise ModelError(
            f"Expected a tokenizer beside the weights of {source.name}, but it is missing or cannot be read; choose a "
            "folder that holds the tokenizer's files."
        ) from error
    if not words:
        raise ModelError(
            f"Expected a tokenizer beside the weights of {source.name}, found none; choose a folder that holds the "
            "tokenizer's files."
        )
    return _padded_left(tokenizer)


def _weights(
    auto: Any,
    source: Source,
    need: int,
    config: Any,
    place: torch.device,
    dtype: torch.dtype | str,
    on_progress: Progress | None,
) -> PreTrainedModel:
    spread = _must_spread(source, need, place)
    try:
        with _loading_bar(on_progress):
            read: Any = auto.from_pretrained(
                source.folder,
                config=config,
                dtype=dtype,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
                **source.from_file,
                **({} if source.gguf is None else gguf.dense()),
                **_kernels(dtype),
                # Straight onto one CUDA device, so that the weights need not fit into the host's memory as well.
                device_map="auto" if spread else {"": place} if place.type == "cuda" else None,
            )
        model, report = read
        if not spread:
            model = model.to(place)
    except Exception as error:  # every architecture fails in its own way on weights that do not fit it
        if is_out_of_memory(error):
            raise
        raise _weights_error(source, error) from error
    missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if missing:
        raise ModelError(
            f"Expected all weights of a {type(model).__name__}, but {source.name} lacks {len(missing)} of them, "
            f"{missing[0]} for one; choose a complete causal language model."
        )
    if source.gguf is not None:
        gguf.forget_quantization(model)
    frozen: PreTrainedModel = model.eval().requires_grad_(False)
    return frozen


def _kernels(dtype: torch.dtype | str) -> dict[str, str]:
    """Mixtures of experts are multiplied by a grouped kernel that knows no float64."""
    return {"experts_implementation": "eager"} if dtype == torch.float64 else {}


def _weights_error(source: Source, error: Exception) -> ModelError:
    if isinstance(error, ImportError):
        first = str(error).strip().splitlines()[0]
        return ModelError(f"Expected to load {source.name}, but it needs a package that is not installed: {first}")
    said = " ".join(str(error).split())[:_SAID].rstrip(".") or type(error).__name__
    return ModelError(
        f"Expected weights that fit the configuration of {source.name}, but reading them failed (“{said}”); "
        "fetch the model's files again."
    )


def _must_spread(source: Source, need: int, place: torch.device) -> bool:
    """Whether `need` bytes are more than `place` has free; never for MPS, which shares the CPU's memory."""
    if place.type == "mps":
        return False
    ram = free_ram()
    gpus = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
    here, everywhere = (ram, ram) if place.type == "cpu" else (gpus[place.index], ram + sum(gpus))
    if need > _ROOM * everywhere:
        raise ModelError(
            f"Expected {source.name} to fit into memory, but it needs about {need / 2**30:.1f} GiB and "
            f"{everywhere / 2**30:.1f} GiB are free; choose a smaller model or dtype bfloat16."
        )
    return need > _ROOM * here


def _weight_bytes(files: Sequence[Path], config: Any, dtype: torch.dtype | str) -> int:
    """About how much memory the weights take, from the size of their files and the dtype they are stored in."""
    size, stored = sum(path.stat().st_size for path in files), getattr(config, "dtype", None)
    stored = getattr(torch, stored, None) if isinstance(stored, str) else stored
    if not isinstance(dtype, torch.dtype) or stored is None or getattr(config, "quantization_config", None) is not None:
        return size
    return int(size * dtype.itemsize // stored.itemsize)


def free_ram() -> int:
    """Bytes of the host's memory that are free now."""
    import psutil  # accelerate brings it

    return int(psutil.virtual_memory().available)


@contextmanager
def _loading_bar(on_progress: Progress | None) -> Iterator[None]:
    """Send transformers' progress bar to `on_progress`, and none to the terminal."""
    kind = bar("Loading the weights", on_progress)
    before = logging.set_tqdm_hook(lambda factory, args, kwargs: kind(*args, **kwargs))
    try:
        with gguf.conversion_bar(kind):
            yield
    finally:
        logging.set_tqdm_hook(before)


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
