"""`python -m playground train-organism`: trains the organism, or reports how well one keeps its habits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from playground.errors import InputError
from playground.model.load import automatic_device
from playground.organism.train import TrainEvent, TrainSettings, train
from playground.places import ASSETS

DEFAULT_OUT = ASSETS / "organism"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of train-organism."""
    defaults = TrainSettings()
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="the model directory to write, or to report on"
    )
    parser.add_argument(
        "--seed", type=int, default=defaults.seed, help="seed of words, weights and training (default %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=defaults.steps, help="optimiser steps (default %(default)s)")
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cuda", "mps", "cpu"), help="where to train (default %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=None, help="threads on the CPU (default: all cores)")
    parser.add_argument("--compile", action="store_true", help="fuse small operations first: a quarter faster on a CPU")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--resume", action="store_true", help="go on from an interrupted training in DIR.work (the default)"
    )
    kept.add_argument("--fresh", action="store_true", help="forget an interrupted training and start from nothing")
    parser.add_argument(
        "--report", action="store_true", help="train nothing: measure the model in DIR on held-out requests"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do what the options ask; returns what `--json` prints. Progress goes to standard error."""
    if args.report:
        from playground.organism.report import measure, table

        report = measure(args.out, args.seed, _say)
        if not args.json:
            print(table(report))
        return report
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f"Expected a folder for --out, got the file {args.out}; name another folder.")
    if args.threads is not None and args.threads < 1:
        raise InputError(f"Expected --threads to be at least 1, got {args.threads}; give a positive whole number.")
    settings = TrainSettings(
        seed=args.seed,
        steps=args.steps,
        device=_device(args.device),
        threads=args.threads,
        compiled=args.compile,
    )
    last: list[TrainEvent] = []

    def show(event: TrainEvent) -> None:
        last[:] = [event]
        _say(
            f"step {event.step}/{event.steps}  loss {event.loss:.3f}  answers {event.answer_loss:.3f}  "
            f"{event.tokens_per_second:.0f} tokens/s  {event.seconds_left / 60:.0f} min to go"
        )

    out = train(settings, args.out, show, resume=not args.fresh)
    result = {"out": str(out), "steps": settings.steps, "seed": settings.seed, "device": settings.device}
    if last:
        result |= {
            key: value for key, value in asdict(last[0]).items() if key in ("loss", "answer_loss", "tokens_per_second")
        }
    if not args.json:
        _say(f"wrote {out}; measure it with: python -m playground train-organism --report --out {out}")
    return result


def _device(name: str) -> str:
    if name == "auto":
        return automatic_device()
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not there[name]:
        raise InputError(f"Expected a device that is here, got {name}; use --device cpu or auto.")
    return name


_say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
