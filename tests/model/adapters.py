"""LoRA adapters with random numbers, for tests."""

from __future__ import annotations

from pathlib import Path

import peft
import torch
from transformers import AutoModelForCausalLM


def adapter_of(base: Path, folder: Path, **settings: object) -> Path:
    """A LoRA adapter of a model, with random numbers in both of its matrices."""
    torch.manual_seed(0)
    asked = {"r": 3, "lora_alpha": 12, "target_modules": ["q_proj", "down_proj"], **settings}
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.get_peft_model(plain, peft.LoraConfig(**asked))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder
