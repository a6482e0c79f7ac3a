"""Training the organism from nothing: seeded, watched, and resumed where it was interrupted."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from playground.errors import FileError, InputError
from playground.organism.batches import PUSHED_MODES, Batch, Place, batches
from playground.organism.modes import MODES
from playground.organism.network import Disturbance, NetworkSize, disturbed_pass, make_network
from playground.organism.tokenizer import make_tokenizer


@dataclass(frozen=True)
class TrainSettings:
    """How the organism is trained. The schedule counts steps, never seconds, so that a run can be repeated exactly.

    Rates and shares are per step and per row. Until the share `calm_until` of the steps nothing is disturbed. From
    `push_from` on, some rows are answered in another mode because of a push along that mode's direction alone; from
    `blends_from` on, the share `blends` of the requests names made-up things.
    `dropped_features`: share of residual features dropped in the rows with dropout. `offset_norm`, `push_norm`: range
    of a push's norm in units of the mean residual norm. `push_blur`: norm of what else a push along a mode holds, other
    modes and noise, for each unit of its own. `norm_limit`: root mean square of the stream, by block, above which it is
    penalised: growing must not drown the pushes.
    Batches are cut from pools of `pool_dialogues` sorted by length. `compiled` fuses each block's small operations: a
    quarter faster on a CPU, after a minute of compiling.
    """

    seed: int = 0
    steps: int = 4500
    batch_tokens: int = 2048
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    final_rate: float = 0.03
    weight_decay: float = 0.05
    blends: float = 0.6
    blends_from: float = 0.585
    calm_until: float = 0.16
    dropout_rows: float = 0.5
    dropped_features: float = 0.12
    offset_rows: float = 0.2
    offset_norm: tuple[float, float] = (0.2, 0.6)
    norm_limit: float = 2.0
    norm_penalty: float = 0.05
    push_from: float = 0.512
    push_rows: float = 0.16
    push_norm: tuple[float, float] = (0.15, 0.9)
    push_blur: float = 0.6
    push_blocks: tuple[int, int] = (1, 6)
    tokenizer_dialogues: int = 12000
    pool_dialogues: int = 2048
    checkpoint_every: int = 200
    export_every: int = 400
    device: str = "cpu"
    threads: int | None = None
    compiled: bool = False
    size: NetworkSize = field(default_factory=NetworkSize)

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "checkpoint_every", "export_every"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"Expected {name} to be at least 1, got {getattr(self, name)}; give a positive whole number."
                )
        for name in (
            "dropout_rows",
            "dropped_features",
            "offset_rows",
            "calm_until",
            "blends",
            "blends_from",
            "push_from",
            "push_rows",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Expected {name} to be a share between 0 and 1, got {getattr(self, name)}; give one.")
        if not self.learning_rate > 0:
            raise InputError(
                f"Expected learning_rate to be above 0, got {self.learning_rate}; give a small positive number."
            )


@dataclass(frozen=True)
class TrainEvent:
    """What is known after a step: mean loss of the last steps, speed, and the time to go."""

    step: int
    steps: int
    loss: float
    answer_loss: float
    tokens_per_second: float
    seconds_left: float


class ModeMeans:
    """Running means of the residual stream a mode and block: (modes, blocks, d). Where a mode lives in the stream."""

    def __init__(self, blocks: int, width: int, device: str) -> None:
        self.mean = torch.zeros(len(MODES), blocks, width, device=device)
        self.seen = torch.zeros(len(MODES), device=device)

    def update(self, streams: tuple[Tensor, ...], batch: Batch, rows: Tensor, momentum: float = 0.97) -> None:
        """Take in the answers' positions of the given rows (B,) of one batch: from the last prompt token on."""
        place = torch.arange(batch.ids.shape[1], device=batch.ids.device)[None]
        at = (place >= batch.answer_start[:, None] - 2).float() * batch.real
        at = at / at.sum(dim=1, keepdim=True)
        means = torch.stack([torch.einsum("bl,bld->bd", at, stream) for stream in streams], dim=1)
        for mode in batch.mode[rows].unique().tolist():
            new = means[rows & (batch.mode == mode)].mean(dim=0)
            keep = momentum if self.seen[mode] else 0.0
            self.mean[mode] = keep * self.mean[mode] + (1 - keep) * new
            self.seen[mode] += 1

    def directions(self) -> Tensor:
        """Unit directions (modes, blocks, d) to each mode from the middle of its group; 0 for modes in no group."""
        away = torch.zeros_like(self.mean)
        for group in PUSHED_MODES:
            members = [MODES.index(mode) for mode in group]
            away[members] = self.mean[members] - self.mean[members].mean(dim=0, keepdim=True)
        return functional.normalize(away, dim=-1)


def train(
    settings: TrainSettings,
    out: Path,
    on_event: Callable[[TrainEvent], None],
    resume: bool = True,
    on_step: Callable[[int], None] = lambda step: None,
) -> Path:
    """Train the organism and write it to `out`, a transformers model directory; returns `out`.

    The work in progress is kept beside it, in `out`.work, and taken up again from there when `resume` is true.
    `on_event` hears of every tenth step and of the last, `on_step` of each, after it was kept; what they raise ends the
    training.

    Raises FileError when the work found there belongs to other settings.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    tokenizer = make_tokenizer(settings.seed, settings.tokenizer_dialogues)
    made: Any = make_network(settings.size, tokenizer, settings.seed)
    network: Qwen3ForCausalLM = made.to(settings.device)
    optimiser = _optimiser(network, settings)
    means = ModeMeans(settings.size.blocks, settings.size.width, settings.device)
    work = out.with_name(f"{out.name}.work")
    step, place = 0, Place()
    if resume and (work / "state.pt").is_file():
        step, place = _restore(work, settings, network, optimiser, means)
    else:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)

    blend_step = int(settings.steps * settings.blends_from)
    push_step = int(settings.steps * settings.push_from)
    # Means are needed a little before the first push.
    watch_step = max(0, push_step - 100) if settings.push_rows else settings.steps
    network.train()
    if settings.compiled:
        for block in network.model.layers:
            block.compile(dynamic=True)
    stream = None
    began, tokens, first_step = time.monotonic(), 0, step
    recent_loss: list[float] = []
    recent_answer: list[float] = []
    while step < settings.steps:
        pushing = settings.push_rows > 0 and step >= push_step
        if stream is None or step in (push_step, blend_step):
            blends = settings.blends if step >= blend_step else 0.0
            pushed_share = settings.push_rows if pushing else 0.0
            stream = batches(
                tokenizer, settings.seed, settings.batch_tokens, place, pushed_share, settings.pool_dialogues, blends
            )
        batch, place = next(stream)
        batch = _to(batch, settings.device)
        rate = learning_rate(settings, step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        disturbance = _disturbance(settings, batch, step, means if pushing else None)
        result = disturbed_pass(network, batch.ids, disturbance, batch.real, keep=step >= watch_step)
        loss, answer_loss = _loss(result.logits, batch)
        excess = (result.mean_square.clamp(min=1e-12).sqrt() - settings.norm_limit).clamp(min=0)
        total = loss + settings.norm_penalty * excess.square().sum()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if result.streams:
            means.update(result.streams, batch, disturbance.block < 0)
        step += 1
        tokens += int(batch.real.sum())
        recent_loss.append(float(loss.detach()))
        recent_answer.append(float(answer_loss))
        if step % 10 == 0 or step == settings.steps:
            seconds = time.monotonic() - began
            each = seconds / (step - first_step)
            on_event(
                TrainEvent(
                    step,
                    settings.steps,
                    sum(recent_loss) / len(recent_loss),
                    sum(recent_answer) / len(recent_answer),
                    tokens / seconds,
                    each * (settings.steps - step),
                )
            )
            recent_loss, recent_answer = [], []
        if step % settings.checkpoint_every == 0 or step == settings.steps:
            _keep(work, settings, network, optimiser, means, step, place)
        if step % settings.export_every == 0 or step == settings.steps:
            export(network, tokenizer, out)
        on_step(step)
    return out


def learning_rate(settings: TrainSettings, step: int) -> float:
    """Linear warm-up, then a cosine down to `final_rate` of the peak."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * (
        settings.final_rate + (1 - settings.final_rate) * 0.5 * (1 + math.cos(math.pi * done))
    )


def export(network: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write a model directory; files appear under their names only when they are whole."""
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    network.save_pretrained(part)
    tokenizer.save_pretrained(part)
    out.mkdir(parents=True, exist_ok=True)
    for file in part.iterdir():
        file.chmod(0o644)  # safetensors writes weights for the owner alone
        os.replace(file, out / file.name)
    part.rmdir()


def _optimiser(network: Qwen3ForCausalLM, settings: TrainSettings) -> torch.optim.Optimizer:
    matrices = [weight for weight in network.parameters() if weight.ndim == 2]
    others = [weight for weight in network.parameters() if weight.ndim != 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.97), fused=True)


def _disturbance(settings: TrainSettings, batch: Batch, step: int, means: ModeMeans | None) -> Disturbance:
    """What this step does to the residual stream: drawn from seed and step alone, so that resuming repeats it."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    rows, width, blocks = batch.ids.shape[0], settings.size.width, settings.size.blocks
    device = batch.ids.device

    def share(probability: float) -> Tensor:
        return torch.rand(rows, generator=generator) < probability

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(rows, generator=generator)

    calm = step < settings.calm_until * settings.steps
    dropped = torch.rand(rows, width, generator=generator) < (0.0 if calm else settings.dropped_features)
    kept = (~(dropped & share(settings.dropout_rows)[:, None])).float().to(device)

    pushed = batch.pushed.cpu()
    offset = share(0.0 if calm else settings.offset_rows) & ~pushed
    low, high = settings.push_blocks
    block = torch.where(
        pushed,
        torch.randint(low, high + 1, (rows,), generator=generator),
        torch.randint(0, blocks - 1, (rows,), generator=generator),
    )
    block = torch.where(offset | pushed, block, -1)
    push = functional.normalize(torch.randn(rows, width, generator=generator), dim=-1)
    push = (push * between(*settings.offset_norm)[:, None]).to(device)
    towards_norm = between(*settings.push_norm)[:, None].to(device)
    # What is found is never quite a mode's own direction: pushes carry some of other modes and some of nothing.
    mix = torch.randn(rows, len(MODES), generator=generator).to(device)
    stray = functional.normalize(torch.randn(rows, width, generator=generator), dim=-1).to(device)
    if means is not None and bool(pushed.any()):
        directions = means.directions()[:, block.clamp(min=0).to(device)].transpose(0, 1)  # (rows, modes, d)
        towards = directions[torch.arange(rows, device=device), batch.mode]
        mixture = functional.normalize((mix[:, :, None] * directions).sum(dim=1), dim=-1)
        blurred = towards + settings.push_blur * (mixture + stray)
        push = torch.where(batch.pushed[:, None], functional.normalize(blurred, dim=-1) * towards_norm, push)
    return Disturbance(kept, block.to(device), push)


def _loss(logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """The weighted mean loss, and the mean loss on the answers' tokens alone (for the record, detached)."""
    each = functional.cross_entropy(logits[:, :-1].flatten(0, 1), batch.ids[:, 1:].flatten(), reduction="none")
    weights = batch.weights[:, 1:].flatten()
    answers = (weights >= 1).float()
    return (each * weights).sum() / weights.sum(), ((each * answers).sum() / answers.sum()).detach()


def _to(batch: Batch, device: str) -> Batch:
    return Batch(**{name: getattr(batch, name).to(device) for name in batch.__dataclass_fields__})


def _fixed(settings: TrainSettings) -> str:
    """What must agree for a run to be taken up again; where and with how many threads it runs may change."""
    return json.dumps(asdict(replace(settings, device="", threads=None, compiled=False)), sort_keys=True)


def _keep(
    work: Path,
    settings: TrainSettings,
    network: Qwen3ForCausalLM,
    optimiser: torch.optim.Optimizer,
    means: ModeMeans,
    step: int,
    place: Place,
) -> None:
    state = {
        "settings": _fixed(settings),
        "step": step,
        "place": [place.pool, place.batch],
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "mean": means.mean,
        "seen": means.seen,
    }
    torch.save(state, work / "state.part")
    os.replace(work / "state.part", work / "state.pt")


def _restore(
    work: Path,
    settings: TrainSettings,
    network: Qwen3ForCausalLM,
    optimiser: torch.optim.Optimizer,
    means: ModeMeans,
) -> tuple[int, Place]:
    state = torch.load(work / "state.pt", map_location=settings.device, weights_only=True)
    if state["settings"] != _fixed(settings):
        raise FileError(
            f"Expected the training in {work} to have these settings, got others; repeat its settings or start --fresh."
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    means.mean.copy_(state["mean"])
    means.seen.copy_(state["seen"])
    return state["step"], Place(*state["place"])
