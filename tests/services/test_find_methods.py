"""services/find: every method finds what its definition says, keeps it, and refuses what it cannot use."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import Cancelled, FileError, InputError
from playground.library.prompts import built_in
from playground.library.vector_set import VectorSet, from_bytes, to_bytes
from playground.methods.base.registry import registered
from playground.methods.melbo import run as melbo
from playground.model import reference
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.reading.next_token import next_logits
from playground.model.steering import read_residuals, steer
from playground.services.find import FindRequest, find, find_request
from playground.services.find.continuing import continued, first_rows
from playground.services.find.sides import sides

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")


def request(method: str, **changes) -> FindRequest:
    values = dict(method=method, prompts=PROMPTS, source=0, target=2, vectors=3)
    if method in ("melbo", "ortho"):
        values["steps"] = 8
    return find_request(**{**values, **changes})


@pytest.fixture(scope="module")
def power(tiny) -> VectorSet:
    return find(tiny("qwen3"), request("power")).vector_set


def residuals(loaded, prompt: str, layer: int, pushes=()) -> torch.Tensor:
    """(T, d): the residual stream of one prompt, by the whole model."""
    inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))
    with torch.no_grad(), steer(loaded.model, pushes), read_residuals(loaded.model, [layer]) as seen:
        loaded.model(**inputs, use_cache=False)
    return seen[layer][0]


def test_melbo_keeps_orthogonal_vectors_of_the_radius_with_the_displacement_they_have(tiny):
    loaded = tiny("qwen3")
    result = find(loaded, request("melbo", target_tokens=2, relative_radius=0.4))
    found = from_bytes(to_bytes(result.vector_set))
    radius = 0.4 * found.origin.residual_norm
    assert found.origin.parameters["radius"] == pytest.approx(radius)
    torch.testing.assert_close(found.native_norms, torch.full((3,), radius), rtol=1e-5, atol=0)
    unit = found.vectors / found.native_norms[:, None]
    assert (unit @ unit.T - torch.eye(3)).abs().max() < 1e-4
    moved = [
        [
            (residuals(loaded, prompt, 2, [Push(0, row)])[-2:] - residuals(loaded, prompt, 2)[-2:]).square().sum()
            for prompt in PROMPTS
        ]
        for row in found.vectors
    ]
    torch.testing.assert_close(found.displacements, torch.tensor(moved).mean(dim=1).sqrt(), rtol=1e-3, atol=1e-4)
    assert found.objective.shape == (3,)
    assert (found.origin.method, found.origin.parameters["relative_radius"]) == ("melbo", pytest.approx(0.4))


def test_the_radius_of_melbo_is_where_random_pushes_cease_to_do_what_the_jacobian_says(tiny):
    loaded = tiny("qwen3")
    found = find(loaded, request("melbo", steps=1, vectors=1)).vector_set.origin
    radius, chosen = found.parameters["radius"], found.parameters["radius_from"]
    assert chosen == "linearity"
    assert found.parameters["relative_radius"] == pytest.approx(radius / found.residual_norm)
    assert found.parameters["learning_rate"] == pytest.approx(0.3 * radius / 32**0.5)
    assert find(loaded, request("melbo", steps=1, seed=9)).vector_set.origin.parameters["radius"] == radius
    given = find(loaded, request("melbo", steps=1, vectors=1, radius=1.5)).vector_set.origin.parameters
    assert (given["radius"], given["radius_from"]) == (1.5, "request")

    def deviation(radius: float) -> float:
        """Along the same pushes, by the whole model, with a difference quotient in the place of the Jacobian."""
        shares = []
        for unit in random_directions(melbo.PUSHES, loaded.width, 0):
            off = linear = 0.0
            for prompt in PROMPTS:
                still, *moved = (
                    residuals(loaded, prompt, 2, [Push(0, length * unit)])[-2:] for length in (0.0, radius, 0.01, -0.01)
                )
                expected = (moved[1] - moved[2]) / 0.02 * radius
                off += float((moved[0] - still - expected).square().sum())
                linear += float(expected.square().sum())
            shares.append(off / linear)
        return (sum(shares) / len(shares)) ** 0.5

    if radius < 0.5 * found.residual_norm:
        assert deviation(radius) == pytest.approx(0.5, rel=0.15)
    else:
        assert deviation(radius) < 0.5


def test_melbo_moves_further_the_longer_it_trains_and_starts_where_it_is_told(tiny, power):
    loaded, load = tiny("qwen3"), {"p": power}.__getitem__
    short, long = (find(loaded, request("melbo", vectors=1, steps=steps)).vector_set for steps in (1, 30))
    assert long.displacements > short.displacements
    started = find(
        loaded, request("melbo", vectors=1, steps=1, learning_rate=1e-6, start="p#1"), load_set=load
    ).vector_set
    assert abs(float(started.unit(0) @ power.unit(1))) > 0.99
    from_power = find(loaded, request("melbo", vectors=3, steps=1, learning_rate=1e-6, start="power")).vector_set
    assert ((from_power.vectors @ power.vectors.T).diagonal().abs() / from_power.native_norms > 0.98).all()


def test_a_start_of_power_iteration_saves_steps(tiny, power):
    loaded, load = tiny("qwen3"), {"p": power}.__getitem__
    cold = find(loaded, request("power", vectors=1, tolerance=1e-3, block=1))
    warm = find(loaded, request("power", vectors=1, tolerance=1e-3, block=1, start="p#0"), load_set=load)
    assert warm.steps < cold.steps
    assert warm.vector_set.singular_values == pytest.approx(cold.vector_set.singular_values, rel=1e-3)


def test_power_iteration_at_a_steered_point_is_the_jacobian_there(tiny, power):
    loaded, load = tiny("qwen3", "float64"), {"p": power}.__getitem__
    asked = request("power", theta0="p#0@3", tolerance=1e-4)
    steered = find(loaded, asked, load_set=load).vector_set
    base = 3 * power.unit(0).double()
    rows = []
    for prompt in PROMPTS:
        inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))

        def read(theta, inputs=inputs):
            with steer(loaded.model, [Push(0, base + theta)]), read_residuals(loaded.model, [2]) as seen:
                loaded.model(**inputs, use_cache=False)
                return seen[2][0, -2:].reshape(-1)

        rows.append(torch.autograd.functional.jacobian(read, torch.zeros(loaded.width, dtype=torch.float64)))
    exact = torch.linalg.svdvals(torch.cat(rows) / len(PROMPTS) ** 0.5)[:3]
    assert torch.allclose(steered.singular_values.double(), exact, rtol=1e-3)
    assert steered.origin.parameters["theta0"] == "p#0@3"
    with pytest.raises(InputError, match="Expected a steered point that only adds"):
        find(loaded, request("power", theta0="p#0@3,p#1@cap=2"), load_set=lambda source: power)


def test_weights_and_metric_change_what_is_largest_and_are_kept(tiny):
    loaded = tiny("qwen3")
    plain = find(loaded, request("power", target_tokens=1)).vector_set
    only_last = find(loaded, request("power", target_tokens=2, weights=(0, 1))).vector_set
    # The older position weighs nothing, so the spectrum is that of one token, up to how weights are scaled.
    ratio = only_last.singular_values / plain.singular_values
    torch.testing.assert_close(ratio, ratio.mean().expand(3), rtol=0.02, atol=0)
    metric = find(loaded, request("power", metric="variance")).vector_set
    assert (metric.origin.parameters["metric"], only_last.origin.parameters["weights"]) == ("variance", [0, 1])


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("power", {"target_tokens": None}),
        ("melbo", {"target_tokens": None}),
        ("ortho", {"base": "p#0@8"}),
        ("difference", {"against": ("Hello there, this is another one.",), "target_tokens": None, "target": None}),
    ],
)
def test_sinks_are_left_out_where_all_positions_are_read_unless_asked_for(tiny, power, monkeypatch, method, changes):
    monkeypatch.setattr(reference, "SINK_RATIO", 1.01)  # tiny random models have no real ones
    loaded, load_set = tiny("qwen3"), {"p": power}.__getitem__
    without = find(loaded, request(method, **changes), load_set=load_set).vector_set
    with_them = find(loaded, request(method, **changes, read_sinks=True), load_set=load_set).vector_set
    assert (without.origin.parameters["sinks"], with_them.origin.parameters["sinks"]) == ("left out", "read")
    assert without.origin.parameters["sinks_left_out"] > 0
    assert with_them.origin.parameters["sinks_left_out"] == 0
    assert not torch.allclose(without.vectors, with_them.vectors)
    if method in ("power", "melbo"):
        last = find(loaded, request(method), load_set=load_set).vector_set
        assert "sinks" not in last.origin.parameters


def test_ortho_reads_the_last_tokens_where_asked_to(tiny, power):
    loaded, sets = tiny("qwen3"), {"p": power}.__getitem__
    found = find(loaded, request("ortho", base="p#0@8", target_tokens=2, stop_share=0.0), load_set=sets).vector_set
    assert found.origin.target_tokens == 2
    reached = torch.zeros(3)
    for prompt in PROMPTS:
        goal = residuals(loaded, prompt, 2, [Push(0, found.base)])[-2:].mean(dim=0)
        for row in range(3):
            moved = residuals(loaded, prompt, 2, [Push(0, found.vectors[row])])[-2:].mean(dim=0)
            reached[row] += (moved - goal).norm()
    torch.testing.assert_close(found.objective, reached, rtol=1e-3, atol=1e-3)
    # What is read are the last tokens: the share there is the share.
    torch.testing.assert_close(found.last_effects, found.effects, rtol=1e-3, atol=1e-3)


def test_ortho_tells_the_share_at_the_last_tokens_and_the_divergence_without_a_push(tiny, power, ortho):
    loaded, events = tiny("qwen3"), []
    found = from_bytes(to_bytes(ortho(emit=events.append).vector_set))
    still, reached, unsteered = 0.0, torch.zeros(4), 0.0
    for prompt in PROMPTS:
        goal = residuals(loaded, prompt, 2, [Push(0, found.base)])[-2:].mean(dim=0)
        still += float((residuals(loaded, prompt, 2)[-2:].mean(dim=0) - goal).norm())
        for row in range(4):
            moved = residuals(loaded, prompt, 2, [Push(0, found.vectors[row])])[-2:].mean(dim=0)
            reached[row] += (moved - goal).norm()
        encoded = encode(loaded, [prompt], PromptFormat()).take([0] * 2)
        logs = next_logits(loaded, encoded, [(), (Push(0, found.base),)]).double().log_softmax(dim=1)
        unsteered += float((logs[0].exp() * (logs[0] - logs[1])).sum()) / len(PROMPTS)
    torch.testing.assert_close(found.last_effects, 1 - reached / still, rtol=1e-3, atol=1e-3)
    assert found.origin.parameters["unsteered_divergence"] == pytest.approx(unsteered, rel=1e-3)
    told = [event.marks["unsteered_divergence"] for event in events if event.stage == "batch"]
    assert told == pytest.approx([unsteered] * 2, rel=1e-3)


def test_a_set_of_ortho_that_says_nothing_of_sinks_goes_on_reading_them(ortho):
    part = ortho(2).vector_set
    assert continued(part, 4).read_sinks is False
    parameters = {name: value for name, value in part.origin.parameters.items() if not name.startswith("sinks")}
    old = replace(part, origin=replace(part.origin, parameters=parameters))
    assert continued(old, 4).read_sinks is True


@pytest.fixture
def ortho(tiny, power):
    loaded = tiny("qwen3")

    def run(vectors=4, **options):
        asked = request("ortho", vectors=vectors, batch=2, base="p#0@8", stop_share=0.0)
        return find(loaded, asked, load_set={"p": power}.__getitem__, **options)

    return run


def test_ortho_is_orthogonal_to_its_base_and_keeps_it_with_every_value(tiny, power, ortho):
    loaded = tiny("qwen3")
    found = from_bytes(to_bytes(ortho().vector_set))
    torch.testing.assert_close(found.base, 8 * power.unit(0), rtol=1e-5, atol=1e-6)
    rows = torch.cat([found.base[None], found.vectors])
    rows = rows / rows.norm(dim=1, keepdim=True)
    assert (rows @ rows.T - torch.eye(5)).abs().max() < 1e-4
    assert found.origin.target_tokens is None  # the effect is read at all of them
    expected = []
    for prompt in PROMPTS:
        encoded = encode(loaded, [prompt], PromptFormat()).take([0] * 5)
        logits = next_logits(loaded, encoded, [(Push(0, row),) for row in (found.base, *found.vectors)])
        logs = logits.double().log_softmax(dim=1)
        expected.append((logs[1:].exp() * (logs[1:] - logs[:1])).sum(dim=1))
    torch.testing.assert_close(found.divergences.double(), torch.stack(expected).mean(dim=0), rtol=1e-3, atol=1e-5)
    still, reached = 0.0, torch.zeros(4)
    for prompt in PROMPTS:
        goal = residuals(loaded, prompt, 2, [Push(0, found.base)]).mean(dim=0)
        still += float((residuals(loaded, prompt, 2).mean(dim=0) - goal).norm())
        for row in range(4):
            moved = residuals(loaded, prompt, 2, [Push(0, found.vectors[row])]).mean(dim=0)
            reached[row] += (moved - goal).norm()
    torch.testing.assert_close(found.objective, reached, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found.effects, 1 - reached / (still), rtol=1e-2, atol=1e-3)


def test_every_finished_batch_is_kept_as_a_whole_set(ortho):
    kept: list[VectorSet] = []
    events = []
    result = ortho(keep=kept.append, emit=events.append)
    assert [one.rows for one in kept] == [2, 4]
    assert torch.equal(kept[0].vectors, result.vector_set.vectors[:2])
    assert from_bytes(to_bytes(kept[0])).base is not None
    batches = [event for event in events if event.stage == "batch"]
    assert [len(event.values["norms"]) for event in batches] == [2, 4]
    assert torch.equal(batches[-1].values["divergences"], result.vector_set.divergences)
    assert torch.equal(events[-1].values["effects"], result.vector_set.effects)
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert {event.batch for event in events if event.stage == "iterate"} == {0, 1}
    assert result.stopped == "count"


def test_a_set_that_is_continued_ends_as_one_that_was_found_at_once(tiny, ortho):
    """Also without the set that its base came from, and with what was noted of its rows."""
    whole = ortho(4).vector_set
    part = from_bytes(to_bytes(ortho(2).vector_set), "mine")
    part = part.with_note(1, replace(part.notes[1], label="like the base"))
    result = find(tiny("qwen3"), continued(part, 4), so_far=part)
    torch.testing.assert_close(result.vector_set.vectors, whole.vectors, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(result.vector_set.divergences, whole.divergences, rtol=1e-2, atol=1e-4)
    assert result.vector_set.name == "mine"
    assert [note.label for note in result.vector_set.notes] == ["", "like the base", "", ""]
    assert result.vector_set.origin.seconds > part.origin.seconds


def test_a_stop_keeps_the_batches_that_are_finished(ortho):
    kept: list[VectorSet] = []
    result = ortho(6, keep=kept.append, cancelled=lambda: len(kept) == 2)
    assert (result.stopped, result.cancelled, result.vector_set.rows) == ("cancel", True, 4)
    with pytest.raises(Cancelled):
        ortho(6, cancelled=lambda: True)


def test_a_stop_keeps_the_batch_under_way_with_all_that_is_told_of_it(ortho):
    steps: list[int] = []

    def emit(event):
        steps.extend([event.batch] if event.stage == "iterate" else [])

    found = ortho(6, emit=emit, cancelled=lambda: steps.count(1) == 4).vector_set
    assert found.rows == 4  # of the second batch, four steps old
    assert all(len(getattr(found, name)) == 4 for name in ("effects", "last_effects", "divergences"))


def test_a_set_is_continued_on_its_own_run_only(tiny, power, ortho):
    loaded, part = tiny("qwen3"), ortho(2).vector_set
    good = continued(part, 4)
    for changed, words in (
        (replace(good, prompts=("Another.",)), "the prompts"),
        (replace(good, target=3), "the layers"),
        (replace(good, settings=replace(good.settings, base="p#1@8")), "the base"),
        (replace(good, format=PromptFormat(system="Be brief.")), "the prompt format"),
        (replace(good, target_tokens=2), "the tokens that are read"),
        (replace(good, read_sinks=True), "the tokens that are read"),
        (replace(good, vectors=2), "more vectors in all"),
    ):
        with pytest.raises(InputError, match=words):
            find(loaded, changed, so_far=part)
    with pytest.raises(InputError, match="this model"):
        find(tiny("llama"), good, so_far=part)
    with pytest.raises(InputError, match="set of ortho"):
        continued(power, 4)
    with pytest.raises(InputError, match="set of ortho"):
        first_rows(power, 1)
    for count in (0, 3):
        with pytest.raises(InputError, match="1 to 2 rows"):
            first_rows(part, count)
    with pytest.raises(InputError, match="got power"):
        find(loaded, request("power"), so_far=part)


def test_a_base_that_cannot_be_used_is_refused_in_one_sentence(tiny, power):
    loaded = tiny("qwen3")
    later = replace(power, origin=replace(power.origin, source=1))
    foreign = replace(power, origin=replace(power.origin, fingerprint="0" * 16, model="somebody else's"))
    sets = {"p": power, "later": later, "foreign": foreign}
    for base, words in (
        ("later#0@8", ["source layer 0", "layer 1"]),
        ("p#0@8,later#0@8", ["one layer"]),
        ("foreign#0@8", ["this model", "somebody else's"]),
        ("p#0@0", ["scale 0"]),
        ("p#9@8", ["rows", "9"]),
    ):
        with pytest.raises(InputError) as caught:
            find(loaded, request("ortho", base=base), load_set=sets.__getitem__)
        assert "\n" not in str(caught.value)
        assert all(word in str(caught.value) for word in words), caught.value
    with pytest.raises(InputError, match="at most 31 vectors, what the base leaves"):
        find(loaded, request("ortho", base="p#0@8", vectors=32), load_set=sets.__getitem__)
    with pytest.raises(InputError, match="load_set"):
        find(loaded, request("ortho", base="p#0@8"))


def test_a_set_of_another_width_and_one_with_nan_are_refused(tiny, power):
    wide = VectorSet(torch.ones(1, 48), replace(power.origin, width=48))
    with pytest.raises(FileError, match="32"):
        find(tiny("qwen3"), request("ortho", base="w#0@1"), load_set={"w": wide}.__getitem__)
    with pytest.raises(FileError, match="NaN"):
        replace(power, vectors=torch.full((3, 32), torch.nan))


@pytest.mark.parametrize("tokens", [1, 2, None])
def test_a_mean_difference_is_that_of_the_definition(tiny, tokens):
    loaded, against = tiny("qwen3"), ("Yes, it does.", "First, take a clean bowl.", "3 + 4 = 7")

    def mean(prompts):
        streams = [residuals(loaded, prompt, 1) for prompt in prompts]
        return torch.stack([(s if tokens is None else s[-tokens:]).mean(dim=0) for s in streams]).mean(dim=0)

    asked = request("difference", source=1, target=None, target_tokens=tokens, against=against)
    found = from_bytes(to_bytes(find(loaded, asked).vector_set))
    torch.testing.assert_close(found.vectors[0], mean(PROMPTS) - mean(against), rtol=1e-4, atol=1e-5)
    assert found.origin.parameters["against"] == list(against)
    assert (found.origin.target_tokens, found.rows) == (tokens, 1)


def test_choice_items_are_read_where_the_answer_letter_is(tiny):
    loaded = tiny("qwen3")
    asked = request("difference", target=None, answers=((" (A)", " (B)"), (" (B)", " (A)")))
    found = find(loaded, asked).vector_set

    def read(prompt, letter):
        encoded = encode(loaded, [prompt], PromptFormat())
        answer = loaded.tokenizer(f"({letter}", add_special_tokens=False)["input_ids"]
        ids = torch.cat([encoded.input_ids, torch.tensor([answer])], dim=1)
        with torch.no_grad(), read_residuals(loaded.model, [0]) as seen:
            loaded.model(input_ids=ids, use_cache=False)
        return seen[0][0, -1]

    expected = (read(PROMPTS[0], "A") - read(PROMPTS[0], "B") + read(PROMPTS[1], "B") - read(PROMPTS[1], "A")) / 2
    torch.testing.assert_close(found.vectors[0], expected, rtol=1e-4, atol=1e-5)


def test_prompt_sets_give_their_sides():
    kinds = {prompt_set.kind: prompt_set for prompt_set in built_in().values()}
    choice, contrast, prompts = kinds["choices"], kinds["contrast"], kinds["prompts"]
    assert sides(choice)["answers"][0] == (choice.items[0].matching, choice.items[0].other)
    assert sides(contrast)["against"] == tuple(pair.negative for pair in contrast.items)
    assert sides(prompts, prompts)["against"] == prompts.texts()
    for given in ((prompts,), (contrast, prompts), (choice, prompts)):
        with pytest.raises(InputError):
            sides(*given)


@pytest.mark.parametrize(
    ("method", "changes", "words"),
    [
        ("melbo", {"radius": 0.0}, ["radius", "got 0;"]),
        ("melbo", {"radius": float("nan")}, ["radius", "nan"]),
        ("melbo", {"relative_radius": -1.0}, ["relative radius", "-1"]),
        ("melbo", {"radius": 1.0, "relative_radius": 1.0}, ["both"]),
        ("melbo", {"steps": 0}, ["steps", "0"]),
        ("melbo", {"p": 0.5}, ["p", "0.5"]),
        ("melbo", {"restarts": 0}, ["restart", "0"]),
        ("melbo", {"learning_rate": 0.0}, ["learning rate", "got 0;"]),
        ("melbo", {"start": "nonsense"}, ["start", "nonsense"]),
        ("melbo", {"base": "p#0@1"}, ["base", "ortho", "melbo"]),
        ("melbo", {"metric": "variance"}, ["metric", "power"]),
        ("power", {"relative_radius": 1.0}, ["relative radius", "melbo", "power"]),
        ("power", {"metric": "fisher"}, ["metric", "fisher"]),
        ("power", {"weights": (1.0,)}, ["1 weights", "2 tokens"]),
        ("power", {"weights": (1.0,), "target_tokens": None}, ["weights", "all"]),
        ("power", {"weights": (0.0, 0.0)}, ["above 0"]),
        ("power", {"weights": (1.0, -1.0)}, ["weight", "-1"]),
        ("power", {"start": "power"}, ["start", "power"]),
        ("ortho", {}, ["base", "none"]),
        ("ortho", {"base": "p#0"}, ["base", "SCALE"]),
        ("ortho", {"base": "p#0@1", "batch": 0}, ["batch", "0"]),
        ("ortho", {"base": "p#0@1", "penalty": -1.0}, ["penalty", "-1"]),
        ("ortho", {"base": "p#0@1", "stop_share": 1.5}, ["share", "1.5"]),
        ("random", {"steps": 3}, ["steps", "random"]),
        ("difference", {}, ["both sides"]),
        ("difference", {"against": (" ",)}, ["other side", "1 of 1"]),
        ("difference", {"against": ("x",), "answers": (("a", "b"),) * 2}, ["both"]),
        ("difference", {"answers": (("a", "b"),)}, ["2 prompts", "1"]),
        ("difference", {"answers": (("a", "a"), ("a", "b"))}, ["different answers", "'a'"]),
    ],
)
def test_values_that_no_method_or_not_this_one_takes_are_refused_when_the_request_is_built(method, changes, words):
    with pytest.raises(InputError) as caught:
        request(method, **changes)
    text = str(caught.value)
    assert "\n" not in text
    assert "xpected" in text
    assert all(word in text for word in words), text


PRESETS = [(method, preset) for method in registered().values() for preset in method.presets]


@pytest.mark.parametrize(("method", "preset"), PRESETS, ids=lambda one: one.name)
def test_presets_are_requests(method, preset):
    extra = {"ortho": {"base": "p#0@1"}, "difference": {"against": ("x",)}}.get(method.name, {})
    find_request(method=method.name, prompts=PROMPTS, source=0, target=2, **{**extra, **preset.values})


@pytest.mark.parametrize(
    ("name", "expected"),
    [("power-published", {40: (7, 32), 30: (7, 22), 12: (2, 10), 2: (0, 1)}),
     ("melbo-published", {24: (8, 15), 30: (10, 19), 12: (4, 8), 2: (0, 1)}),
     ("ortho-published", {24: (8, 16), 30: (10, 20), 12: (4, 8), 2: (0, 1)})],
)  # fmt: skip
def test_presets_of_papers_have_their_layers_in_models_of_any_depth(name, expected):
    (preset,) = (preset for _, preset in PRESETS if preset.name == name)
    assert {blocks: preset.layers(blocks) for blocks in expected} == expected
    assert all(0 <= source < target < blocks for blocks in range(2, 100) for source, target in [preset.layers(blocks)])
