"""An exception at any stage of any job: one sentence for the visitor, the model as before, and the worker goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))  # for `import small_jobs`

from hooks import hooks
from small_jobs import jobs, outcome

from playground.library.store import Store
from playground.model import steering
from playground.model.blocks import decoder_blocks
from playground.services.session import Workbench
from playground.ui.kit.running import APOLOGY, sentence

SOON = 120.0


class Broken(Exception):
    """What no code expects."""


@pytest.fixture(scope="module")
def workbench(tiny, tmp_path_factory):
    workbench = Workbench(Store(tmp_path_factory.mktemp("vectors")))
    workbench.loaded = tiny("qwen3")
    yield workbench
    workbench.close()


class Watched:
    """Counts calls of a kind, and raises in the call of a number."""

    def __init__(self, raise_in: int | None = None) -> None:
        self.calls, self.raise_in = 0, raise_in

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.raise_in:
            raise Broken("a secret of the machine")


def run(workbench, work, watched, monkeypatch):
    """The job of `work` with its calls of tokenizer, blocks, hooks and events watched."""
    loaded = workbench.loaded

    def patch(place, name, watch):
        real = getattr(place, name)

        def call(*args, **named):
            watch()
            return real(*args, **named)

        monkeypatch.setattr(place, name, call)

    patch(type(loaded.tokenizer), "__call__", watched["tokenizer"])
    patch(type(decoder_blocks(loaded.model)[0]), "forward", watched["pass"])
    patch(steering._Change, "_changed", watched["hook"])

    def emit(context, event):
        watched["event"]()
        context.emit(event)

    job = workbench.start(
        "job",
        lambda model, context: work(model, emit=lambda event: emit(context, event), cancelled=context.cancelled),
    )
    try:
        return outcome(job.result(SOON))
    finally:
        monkeypatch.undo()


def state(model: nn.Module):
    """All that a job might leave changed."""
    flags = [(parameter.requires_grad, parameter.grad is None, module.training)
             for module in model.modules() for parameter in module.parameters(recurse=False)]
    return hooks(model), flags, id(model.generation_config), model.config._attn_implementation


def weights(model: nn.Module) -> float:
    return sum(float(parameter.double().abs().sum()) for parameter in model.parameters())


def watch(**raising: int) -> dict[str, Watched]:
    return {kind: Watched(raising.get(kind)) for kind in ("tokenizer", "pass", "hook", "event")}


@pytest.mark.parametrize("name", jobs())
def test_an_exception_at_any_stage_leaves_model_and_worker_as_they_were(workbench, name, monkeypatch, capsys):
    work, model, counted = jobs()[name], workbench.loaded.model, watch()
    before, sum_before = state(model), weights(model)
    expected = run(workbench, work, counted, monkeypatch)
    total = {kind: one.calls for kind, one in counted.items()}
    places = [("tokenizer", 1), ("pass", 1), ("pass", max(1, total["pass"] // 2)), ("pass", total["pass"]),
              ("hook", 1), ("event", 1), ("event", total["event"])]  # fmt: skip
    for kind, number in dict.fromkeys(places):
        if not total[kind]:
            continue
        with pytest.raises(Broken) as caught:
            run(workbench, work, watch(**{kind: number}), monkeypatch)
        assert sentence(caught.value) == APOLOGY, (kind, number)
        assert "a secret of the machine" in capsys.readouterr().err, "the log has the traceback"
        assert state(model) == before, (kind, number)
        grad = workbench.start("grad", lambda *_: (torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        assert grad.result(SOON) == (True, False), (kind, number)
    assert weights(model) == sum_before
    assert run(workbench, work, watch(), monkeypatch) == expected
