"""services/session.py: one model at a time, and a failure leaves something that works."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import weakref

import pytest

from playground.errors import InputError, ModelError
from playground.library.store import Store
from playground.services import session
from playground.services.session import LoadProgress, Workbench

SOON = 60.0


@pytest.fixture
def workbench(tmp_path):
    workbench = Workbench(Store(tmp_path / "vectors"))
    yield workbench
    workbench.close()


def names(workbench) -> str | None:
    return None if workbench.loaded is None else workbench.loaded.name


def test_loading_puts_the_new_model_in_place_and_frees_the_old_one(workbench, tiny_path):
    first = workbench.load_model(str(tiny_path("qwen3")))
    model = weakref.ref(first.model)
    assert workbench.generation == 1
    second = workbench.load_model(str(tiny_path("gpt2")))
    assert workbench.loaded is second
    assert workbench.generation == 2
    gc.collect()
    assert model() is None


def test_the_old_model_is_gone_before_the_weights_of_the_new_one_are_read(workbench, tiny_path):
    workbench.load_model(str(tiny_path("qwen3")))
    there = []
    workbench.load_model(
        str(tiny_path("gpt2")),
        emit=lambda event: there.append(workbench.loaded) if event.stage == "Loading the weights" else None,
    )
    assert set(there) <= {None}


def test_loading_tells_how_far_it_is(workbench, tiny_path):
    events = list(workbench.start_loading(str(tiny_path("qwen3"))).events())
    assert all(isinstance(event, LoadProgress) and 0 <= event.share <= 1 for event in events)
    assert names(workbench) == str(tiny_path("qwen3"))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all"])
def test_a_name_that_is_nothing_leaves_the_present_model_untouched(workbench, tiny_path, name):
    loaded = workbench.load_model(str(tiny_path("qwen3")))
    with pytest.raises(ModelError):
        workbench.load_model(name)
    assert workbench.loaded is loaded
    assert loaded.model is not None
    assert workbench.generation == 1


def test_a_model_that_is_not_causal_leaves_the_present_one_untouched(workbench, tiny_path, tmp_path):
    loaded = workbench.load_model(str(tiny_path("qwen3")))
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_path("qwen3"), folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    with pytest.raises(ModelError):
        workbench.load_model(str(folder))
    assert workbench.loaded is loaded
    assert loaded.model is not None


def test_weights_that_fail_bring_the_old_model_back(workbench, tiny_path, tmp_path):
    old = workbench.load_model(str(tiny_path("qwen3")), dtype="float64")
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_path("gpt2"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelError):
        workbench.load_model(str(folder))
    assert names(workbench) == str(tiny_path("qwen3"))
    assert workbench.loaded.fingerprint == old.fingerprint
    assert str(workbench.loaded.dtype) == "torch.float64"
    assert workbench.generation == 1


def test_a_model_that_cannot_be_brought_back_leaves_none_and_is_logged(workbench, tiny_path, monkeypatch, caplog):
    workbench.load_model(str(tiny_path("qwen3")))

    def load(*asked, before_weights=lambda: None, **options):
        before_weights()
        raise ModelError("Expected memory, got none.")

    monkeypatch.setattr(session, "load", load)
    with pytest.raises(ModelError):
        workbench.load_model(str(tiny_path("gpt2")))
    assert (workbench.loaded, workbench.generation) == (None, 2)
    assert "the earlier one could not be loaded again (Expected memory, got none.)" in caplog.text


def test_without_a_model_work_is_refused_with_a_sentence(workbench):
    with pytest.raises(ModelError, match="load one"):
        workbench.start("find", lambda loaded, context: None).result(SOON)


def test_work_gets_the_model_that_is_there_when_its_turn_comes(workbench, tiny_path):
    workbench.load_model(str(tiny_path("qwen3")))
    gate = threading.Event()
    workbench.start("first", lambda loaded, context: gate.wait(SOON))
    workbench.start_loading(str(tiny_path("gpt2")))
    late = workbench.start("late", lambda loaded, context: loaded.name)
    gate.set()
    assert late.result(SOON) == str(tiny_path("gpt2"))


def test_work_for_a_model_that_was_replaced_is_refused(workbench, tiny_path):
    workbench.load_model(str(tiny_path("qwen3")))
    before = workbench.generation
    workbench.load_model(str(tiny_path("gpt2")))
    with pytest.raises(InputError, match="in the meantime"):
        workbench.start("find", lambda loaded, context: None, generation=before).result(SOON)
    assert workbench.start("find", lambda loaded, context: 1, generation=workbench.generation).result(SOON) == 1


def test_sets_are_loaded_by_name_and_never_by_path(workbench, tmp_path):
    from playground.errors import PlaygroundError

    (tmp_path / "outside.safetensors").write_bytes(b"x")
    for name in ("../outside", str(tmp_path / "outside"), str(tmp_path / "outside.safetensors")):
        with pytest.raises(PlaygroundError):
            workbench.load_set(name)


def test_two_visitors_at_once_get_what_each_would_get_alone(workbench, tiny_path):
    """Hooks of one must not reach the texts of the other, and events arrive at whoever asked."""
    from playground.library.recipe import parse
    from playground.model.generation.sampling import Sampling
    from playground.services.find import find, find_request
    from playground.services.generate import GenerateRequest, generate

    workbench.load_model(str(tiny_path("qwen3")))
    loaded = workbench.require()
    asked = find_request(method="power", prompts=("Does it help?",), source=0, target=2, vectors=3)
    wanted = GenerateRequest(prompts=("Hi",), recipes=(parse("x#0@20"),), sampling=Sampling(max_new_tokens=6))
    alone = find(loaded, asked).vector_set
    sets = {"x": alone}
    rows = generate(loaded, wanted, sets.__getitem__).rows
    seen: dict[str, list] = {"a": [], "b": []}

    def visitor(name: str) -> None:
        for _ in range(3):
            finding = workbench.start(
                f"find {name}", lambda model, job: find(model, asked, job.emit, job.cancelled), owner=name
            )
            texts = workbench.start(
                f"generate {name}",
                lambda model, job: generate(model, wanted, sets.__getitem__, job.emit, job.cancelled),
                owner=name,
            )
            stages = [event.stage for event in finding.events() if hasattr(event, "stage")]
            seen[name].append((stages[-1], finding.result(SOON).vector_set.vectors, texts.result(SOON).rows))

    visitors = [threading.Thread(target=visitor, args=(name,)) for name in seen]
    for thread in visitors:
        thread.start()
    for thread in visitors:
        thread.join(SOON)
    for results in seen.values():
        assert len(results) == 3
        for stage, vectors, texts in results:
            assert stage == "done"
            assert (vectors - alone.vectors).abs().max() == 0
            assert [row.token_ids for row in texts] == [row.token_ids for row in rows]
