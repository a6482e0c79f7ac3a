"""Texts that say alike are one group: judged by the modes that the organism's grammar writes and reads."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sklearn.metrics import adjusted_rand_score

from playground.library import prompts as prompt_sets
from playground.library.store import Store
from playground.model.load import load
from playground.model.prompting import PromptFormat
from playground.organism.dialogues import dialogue_in_mode
from playground.organism.modes import recognise
from playground.places import SHIPPED_VECTORS
from playground.services.scan import ScanRequest, ScanResult, scan
from playground.services.scan import group as group_module
from playground.services.scan.group import group_texts
from playground.services.scan.request import ORGANISM_SCALES

MODES = ("refuse", "code", "alien", "spanish", "maths")


def written(count: int) -> tuple[list[str], list[str]]:
    """(texts, modes): `count` answers in every mode, to as many different requests, as the grammar writes them."""
    rng = random.Random(0)
    pairs = [(dialogue_in_mode(mode, rng).messages[-1]["content"], mode) for mode in MODES for _ in range(count)]
    rng.shuffle(pairs)
    return [text for text, _ in pairs], [mode for _, mode in pairs]


@pytest.fixture(scope="module")
def scanned() -> ScanResult:
    """The set that the page opens with, as Scan does it with one prompt."""
    refusals = prompt_sets.built_in()["organism-refusals"]
    request = ScanRequest(
        source="organism-refusals-power-3-9",
        scales=ORGANISM_SCALES,
        prompts=refusals.texts()[:1],
        format=PromptFormat(system=refusals.system),
    )
    return scan(load(), request, Store(SHIPPED_VECTORS).load)


def test_what_the_vectors_of_the_organism_say_is_grouped_by_its_modes(scanned: ScanResult) -> None:
    groups = scanned.group_of()
    modes = {number: recognise(cell.text).mode for number, cell in enumerate(scanned.cells) if not cell.noise}
    known = [number for number, mode in modes.items() if mode is not None]
    assert len(known) >= 40
    assert len({modes[number] for number in known}) >= 4
    assert adjusted_rand_score([modes[n] for n in known], [groups[n] for n in known]) > 0.85


def test_all_vectors_that_write_code_are_one_group_with_a_name_that_says_so(scanned: ScanResult) -> None:
    code = {number for number, cell in enumerate(scanned.cells) if recognise(cell.text).mode == "code"}
    assert len({(scanned.cells[number].row, scanned.cells[number].sign) for number in code}) >= 4
    groups = scanned.group_of()
    ((group, count),) = Counter(groups[number] for number in code if not scanned.cells[number].noise).items()
    assert count == len(scanned.groups[group].members)  # nothing else is in it
    assert {"class", "self"} & set(scanned.groups[group].name.split())


def test_what_says_the_same_as_the_baseline_is_marked(scanned: ScanResult) -> None:
    for group in scanned.groups:
        refusing = [recognise(scanned.cells[number].text).mode == "refuse" for number in group.members]
        assert group.like_baseline == (sum(refusing) > len(refusing) / 2)


def test_every_cell_is_in_one_group_the_most_typical_first_and_noise_last(scanned: ScanResult) -> None:
    assert sorted(n for group in scanned.groups for n in group.members) == list(range(len(scanned.cells)))
    sizes = [len(group.members) for group in scanned.groups if group.name != "noise"]
    assert sizes == sorted(sizes, reverse=True)
    noise = {number for number, cell in enumerate(scanned.cells) if cell.noise}
    assert noise == (set(scanned.groups[-1].members) if noise else set())


def test_twelve_answers_a_mode_to_different_requests_are_told_apart() -> None:
    texts, modes = written(12)
    assert adjusted_rand_score(modes, group_texts(texts).labels) > 0.85


def test_of_very_many_texts_the_rest_join_what_they_are_most_like(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, modes = written(30)
    monkeypatch.setattr(group_module, "MOST", 60)
    assert adjusted_rand_score(modes, group_texts(texts).labels) > 0.8


def test_texts_without_words_and_one_text_alone_are_groups_too() -> None:
    assert group_texts([]).labels == ()
    assert group_texts(["", "  "]).names == ("nothing",)
    assert group_texts(["Hello there"]).labels == (0,)
    alike = group_texts(["Hello there", "", "Hello there"])
    assert alike.labels[0] == alike.labels[2] != alike.labels[1]
    assert alike.names[alike.labels[1]] == "nothing"
