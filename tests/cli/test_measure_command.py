"""python -m playground measure: what it prints and writes, what it refuses, and the command that repeats it."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common import measurements
from playground.analyses.common.document import from_document
from playground.analyses.common.request import MeasuredVector
from playground.analyses.exact.run import ExactRequest, ExactResult, exact
from playground.analyses.next_token.run import ShiftsRequest, shifts
from playground.analyses.replies.run import RepliesRequest
from playground.cli.main import build_parser
from playground.cli.measure import execute
from playground.cli.measure.options import asked_set, check
from playground.cli.measure.request import request_of, sources
from playground.errors import Cancelled, InputError
from playground.library import prompts, vector_set
from playground.library.origin import Origin, now
from playground.library.recipe import Component, Recipe, parse
from playground.library.reply_patterns import ReplyPattern
from playground.library.store import Store, open_set
from playground.library.vector_set import VectorSet
from playground.model.generation.batch import MOST_ROWS
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.command import measure_command

SHIPPED = "organism-refusals-power-3-9"
EXACT = ("measure", "--exact", "organism-sums", "--count", "3", "--vectors", SHIPPED)
REPLIES = ("measure", "--replies", "organism-comply-choices", "--count", "2", "--vectors", SHIPPED)
NEXT = ("measure", "--next-token", "organism-refusals", "--count", "2", "--steer", f"{SHIPPED}#3@8")
WORDS = ("measure", "--choices", "organism-oversight", "--count", "6", "--vectors", SHIPPED)
ORGANISM = SimpleNamespace(name="organism", dtype=torch.float32, device=torch.device("cpu"))


def test_json_holds_a_row_for_every_vector_and_scale(command, tmp_path):
    out, items = tmp_path / "x.measure.json", tmp_path / "x.csv"
    done = command(
        *WORDS, "--rows", "0,3", "--scales=-10,0,10", "--controls", 2, "--json", "--out", out, "--items-out", items
    )
    assert done.status == 0
    printed = json.loads(done.out)
    assert printed["items"] == 6
    assert printed["skipped"] == 0
    assert [(row["vector"], row["scale"]) for row in printed["rows"]] == [
        (vector, scale) for vector in (0, 3, "random-0", "random-1") for scale in (-10, 0, 10)
    ]
    for row in printed["rows"]:
        assert row["low"] <= row["mean"] <= row["high"]
        assert 0 <= row["share"] <= 1
        if row["scale"] == 0:
            assert row["mean"] == printed["baseline"]["mean"]
    kept = from_document(measurements.read(out))
    assert [row.mean for row in kept.rows] == [row["mean"] for row in printed["rows"]]
    with items.open() as file:
        assert len(list(csv.DictReader(file))) == 6 * 13


def test_text_has_a_table_of_the_best_of_each_method(command, tmp_path):
    out = tmp_path / "x.csv"
    done = command(*WORDS, "--rows", "0,3", "--scales=-10,10", "--controls", 1, "--out", out)
    assert done.status == 0
    assert "6 items of organism-oversight, by logit" in done.out
    assert "mean of the means for 3 × (A) and 3 × (B)" in done.out
    assert f"power: {SHIPPED}#3 of 2" in done.out
    assert "random controls: random-0 of 1" in done.out
    with out.open() as file:
        assert [line["kind"] for line in csv.DictReader(file)] == ["baseline", *["vector"] * 4, *["random"] * 2]


def test_a_leaderboard_has_side_effects_and_as_many_random_draws_as_vectors(command, tmp_path):
    out = tmp_path / "x.json"
    words = (*WORDS, "--rows", "0,2,3", "--scales=-8,8", "--controls", 1, "--leaderboard")
    done = command(*words, "--json", "--out", out)
    assert done.status == 0, done.err
    board = json.loads(done.out)["leaderboard"]
    kept = from_document(measurements.read(out))
    assert board["prompts"] == kept.side_effects.neutral.name == "organism-requests"
    assert board["random_draws"] == 3
    assert sorted(entry["vector"] for entry in board["vectors"]) == [0, 2, 3]
    swings = [abs(entry["swing"]) for entry in board["vectors"]]
    assert swings == sorted(swings, reverse=True)
    kept_effects = {kept.rows[place].name: effect for place, effect in kept.side_effects.of_rows.items()}
    assert len(kept_effects) == 6
    for entry in (*board["vectors"], board["best_random"]):
        effect = kept_effects[entry["vector"] if entry["file"] is None else f"{SHIPPED}#{entry['vector']}"]
        assert (entry["side_effect"], entry["repetition"]) == (effect.kl, effect.repetition)
        assert (entry["perplexity"], entry["text"]) == (effect.perplexity, effect.text)
        assert entry["scale"] in (-8, 8)
        assert entry["symmetry"] <= 1
    table = "\n".join(kept.lines()).split("Leaderboard")[1].splitlines()
    for title in ("swing", "best scale", "monotonicity", "symmetry", "side effect", "repetition", "perplexity"):
        assert title in table[2]
    assert [line.split()[0] for line in table[3:6]] == [f"{SHIPPED}#{entry['vector']}" for entry in board["vectors"]]
    assert table[6].startswith("best of 3 random")
    assert f"{board['best_random']['swing']:+.2f}" in table[6]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_among_side_effects_keeps_the_whole_measurement(command, tmp_path, monkeypatch, interrupt):
    def pressed(loaded, result, load_set, emit, cancelled):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled()
        raise Cancelled

    monkeypatch.setattr("playground.analyses.choices.side_effects.judge", pressed)
    out = tmp_path / "x.json"
    done = command(*WORDS, "--rows", "3", "--scales=-8,8", "--leaderboard", "--json", "--out", out)
    assert (done.status, "leaderboard" in json.loads(done.out)) == (130, False)
    assert "stopped; the measurement is complete, its side effects are left out." in done.err
    kept = from_document(measurements.read(out))
    assert (kept.cancelled, kept.side_effects) == (False, None)


def test_exact_answers_print_accuracy_and_keep_every_reply(command, tmp_path):
    out, items = tmp_path / "x.json", tmp_path / "x.csv"
    words = (*EXACT, "--rows", "3", "--scales=0,8", "--controls", 1, "--max-new-tokens", 12)
    done = command(*words, "--json", "--out", out, "--items-out", items)
    assert done.status == 0, done.err
    printed = json.loads(done.out)
    assert (printed["questions"], printed["items"], printed["cancelled"]) == ("organism-sums", 3, False)
    assert [(row["file"], row["vector"], row["scale"]) for row in printed["rows"]] == [
        (SHIPPED, 3, 0), (SHIPPED, 3, 8), (None, "random-0", 0), (None, "random-0", 8)
    ]
    kept = from_document(measurements.read(out))
    assert isinstance(kept, ExactResult)
    for row, told in zip((kept.baseline, *kept.rows), (printed["baseline"], *printed["rows"]), strict=True):
        assert told["share"] == sum(row.right) / 3
        assert 0 <= told["low"] <= told["share"] <= told["high"] <= 1
        assert (told["low"], told["silent"]) == (row.low, row.silent)
    with items.open() as file:
        lines = list(csv.DictReader(file))
    assert [line["reply"] for line in lines] == [text for row in (kept.baseline, *kept.rows) for text in row.texts]
    table = "\n".join(kept.lines())
    assert "3 questions of organism-sums" in table
    assert f"{SHIPPED}#3" in table


def test_replies_to_choices_print_who_gives_which_answer_and_keep_every_text(command, tmp_path):
    out, items = tmp_path / "x.json", tmp_path / "x.csv"
    words = (*REPLIES, "--rows", "3", "--scales=0,8", "--controls", 1, "--max-new-tokens", 8)
    done = command(*words, "--json", "--out", out, "--items-out", items)
    assert done.status == 0, done.err
    printed = json.loads(done.out)
    assert (printed["prompts"], printed["items"], printed["samples"]) == ("organism-comply-choices", 2, 1)
    assert printed["groups"] == ["matching", "other", "unclear"]
    assert printed["baseline"]["shares"]["other"]["share"] == 1
    kept = from_document(measurements.read(out))
    for row, told in zip((kept.baseline, *kept.rows), (printed["baseline"], *printed["rows"]), strict=True):
        assert sum(share["share"] for share in told["shares"].values()) == pytest.approx(1)
        assert told["shares"]["matching"]["high"] == row.shares[0].high
        assert told["text"] == row.texts[0]
    with items.open() as file:
        assert [line["reply"] for line in csv.DictReader(file)] == [
            text for row in (kept.baseline, *kept.rows) for text in row.texts
        ]
    table = "\n".join(kept.lines())
    assert "2 items of organism-comply-choices; share of replies that give the answer showing the behaviour" in table
    assert "100 % (34 to 100)" in table.replace("100%", "100 %")
    best = table.split("Best vector of each set, by the span of its share of replies that are matching over scales:")[1]
    assert f"power: {SHIPPED}#3 of 1" in best
    assert "random controls: random-0 of 1" in best


def test_replies_to_prompts_are_searched_for_patterns(command):
    done = command(
        "measure", "--replies", "organism-refusals", "--count", 2, "--vectors", SHIPPED, "--rows", "3", "--scales=8",
        "--controls", 1, "--pattern", "sorry=(?i)sorry", "--pattern", "code=def |print", "--samples", 3,
        "--temperature", 1, "--max-new-tokens", 6, "--json",
    )
    assert done.status == 0, done.err
    printed = json.loads(done.out)
    assert (printed["patterns"], printed["samples"]) == ({"sorry": "(?i)sorry", "code": "def |print"}, 3)
    assert printed["groups"] == ["sorry", "code", "rest"]
    found = [row["shares"]["sorry"]["share"] for row in (printed["baseline"], *printed["rows"])]
    assert found[0] > 0.5  # it refuses what is harmful
    assert found[1] == 0  # and greets like an alien where vector 3 is added


def test_the_next_token_prints_kl_controls_and_tokens(command, tmp_path):
    out = tmp_path / "x.csv"
    words = (*NEXT, "--scales=-1,0,1", "--controls", 2, "--tokens", 3)
    done = command(*words, "--json", "--out", out)
    assert done.status == 0, done.err
    printed = json.loads(done.out)
    assert (printed["prompts"], printed["items"], printed["multipliers"]) == ("organism-refusals", 2, [-1, 0, 1])
    assert printed["recipe"] == f"{SHIPPED}#3@8"
    assert printed["norm"] == pytest.approx(8)
    assert printed["kl"][1] == pytest.approx(0, abs=1e-9)
    assert min(printed["kl"][0], printed["kl"][2]) > 0
    assert [len(row) for row in printed["controls"]] == [3, 3]
    assert [len(token["probabilities"]) for token in printed["tokens"]] == [3, 3, 3]
    assert all(token["probabilities"][1] == pytest.approx(token["before"]) for token in printed["tokens"])
    with out.open() as file:
        lines = list(csv.DictReader(file))
    assert [float(line["value"]) for line in lines if line["quantity"] == "kl"] == printed["kl"]
    assert len(lines) == 3 * (1 + 2 + 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scales=-10,five",), "expected a scale that is a finite number, got 'five'"),
        (("--scales=1,nan",), "expected a scale that is a finite number, got nan"),
        (("--scales=1", "--controls", "0"), "expected a number of random controls from 1 to 8192, got 0"),
        (("--scales=1", "--rows", "0,12"), f"expected vectors of {SHIPPED} from 0 to 11, got 12"),
        (("--scales=1", "--rows", "mean:0-13"), "expected rows of"),
        (("--scales=1", "--out", "x.txt"), "expected a file that ends in .json or .csv, got x.txt"),
        (("--scales=1", "--count", "49"), "expected a count of at most 48"),
        (("--scales=1", "--choices", "organism-refusals"), "expected a set of the kind choices"),
        (("--scales=1", "--choices", "no-such-set"), "expected the name of a prompt set or a file"),
        (("--scales=1", "--vectors", "no-such-set"), "expected the name of a vector set or a file"),
        (("--scales=1", "--rows", "0", "--rows", "1"), "expected --rows once for"),
        (("--scales=1", "--exact", "organism-sums"), "expected either --exact or --choices, got both"),
        (("--scales=1", "--steer", "a#0@1"), "expected --steer with --next-token, got it with --choices"),
        (("--scales=1", "--temperature", "0.5"), "expected --temperature with --exact or --replies, got it with --ch"),
        (("--scales=1", "--pattern", "a=b"), "expected --pattern with --replies, got it with --choices"),
        (("--scales=0,8", "--leaderboard"), "expected --leaderboard with scales on both sides of 0"),
        (("--unit", "r"), "expected --scales in the unit r with --choices, got none; write numbers"),
        (("--unit", "x", "--scales=1"), "expected"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(command, words, said):
    done = command(*WORDS, *words, "--json")
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith(f"playground: {said}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scales=1",), "expected one of --choices --exact --replies --next-token, got none of them"),
        (("--exact", "organism-sums", "--scales=1"), "expected --vectors with --exact, got nothing for it"),
        (("--next-token", "neutral", "--scales=1"), "expected --steer with --next-token, got nothing for it"),
        ((*NEXT[1:], "--scales=1", "--vectors", SHIPPED), "expected --vectors with --choices, --exact or --replies"),
        ((*NEXT[1:], "--scales=1", "--relative"), "expected --unit with --choices, --exact or --replies, got"),
        ((*NEXT[1:], "--scales=1", "--controls", "33"), "expected a number of random controls from 1 to 32, got 33"),
        (("--next-token", "neutral", "--steer", "a@1", "--scales=1"), "expected FILE#ROW@SCALE"),
        ((*NEXT[1:], "--scales=1", "--count", "1000"), "expected a count of at most"),
        ((*EXACT[1:], "--scales=1", "--max-new-tokens", "0"), "expected a number of new tokens from 1 to 32768"),
        ((*EXACT[1:], "--scales=1", "--exact", "neutral"), "expected a set of the kind exact"),
        ((*EXACT[1:], "--scales=-1,1", "--leaderboard"), "expected --leaderboard with --choices, got it with --exact"),
        ((*REPLIES[1:], "--scales=1", "--pattern", "a=(b"), "expected a regular expression, got '(b': unclosed group"),
        ((*REPLIES[1:], "--scales=1", "--pattern", "b"), "expected a pattern as NAME=REGEX, got 'b'"),
        ((*REPLIES[1:], "--scales=1", "--samples", "2"), "expected a temperature above 0 for 2 samples, got 0"),
        ((*REPLIES[1:], "--scales=1", "--replies", "neutral"), "expected patterns for the replies to"),
        ((*EXACT[1:], "--scales=1", "--items-out", "x.json"), "expected a file that ends in .csv, got x.json"),
    ],
)
def test_what_the_other_kinds_cannot_use_is_one_line_too(command, words, said):
    done = command("measure", *words, "--json")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"playground: {said}")
    assert done.err.count("\n") == 1


def test_a_set_for_another_width_is_refused(command, tiny_path):
    done = command(*WORDS, "--model", tiny_path("qwen3"), "--scales=1")
    assert done.status == 2
    assert done.err.startswith("playground: expected a set of width 32")


@pytest.fixture
def interrupt(monkeypatch):
    """Have a Ctrl-C come with the first event of a measurement for which `when` holds."""
    monkeypatch.setitem(MOST_ROWS, "cpu", 3)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)

    def arrange(when) -> None:
        real, pressed = execute._line, []

        def interrupted(counts, event):
            if when(event) and not pressed:
                pressed.append(True)
                os.kill(os.getpid(), signal.SIGINT)
            return real(counts, event)

        monkeypatch.setattr(execute, "_line", interrupted)

    yield arrange
    signal.signal(signal.SIGINT, inherited)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_rows_there_are(command, tmp_path, interrupt):
    interrupt(lambda event: event.new)
    out = tmp_path / "x.json"
    done = command(*WORDS, "--scales=-10,10", "--json", "--out", out)
    assert done.status == 130
    assert "rows are complete" in done.err
    kept = from_document(measurements.read(out))
    assert kept.cancelled
    assert 2 <= len(kept.rows) < 2 * 16
    assert kept.rows[-1].kind == "random"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_replies_and_prompts_there_are(command, tmp_path, interrupt):
    out = tmp_path / "x.json"
    interrupt(lambda event: event.done == 6)
    done = command(*EXACT, "--rows", "3", "--scales=-8,8", "--max-new-tokens", 4, "--json", "--out", out)
    assert (done.status, json.loads(done.out)["cancelled"]) == (130, True)
    assert "stopped; 1 rows are complete" in done.err
    assert [row.scale for row in from_document(measurements.read(out)).rows] == [-8]
    interrupt(lambda event: event.done == 1)
    done = command(*NEXT, "--scales=1", "--json", "--out", out)
    assert (done.status, json.loads(done.out)["items"]) == (130, 1)
    assert "stopped; means are over the 1 of 2 prompts that were read" in done.err
    assert from_document(measurements.read(out)).cancelled


@pytest.mark.parametrize("words", [WORDS[:3], EXACT[:3], NEXT[:3]], ids=["choices", "exact", "next"])
def test_a_sample_is_measured_and_its_items_are_kept(command, tmp_path, words):
    out, items = tmp_path / "x.json", tmp_path / "x.csv"
    of = ("--steer", f"{SHIPPED}#3@8") if "--next-token" in words else ("--vectors", SHIPPED, "--rows", "3")
    balance = ("--balance",) if "--choices" in words else ()
    chosen = ("--sample", 4, "--sample-seed", 3, *balance)
    tokens = ("--max-new-tokens", 2) if "--exact" in words else ()
    written = ("--json", "--out", out, "--items-out", items)
    done = command(*words, *chosen, *of, *tokens, "--scales=1", "--controls", 1, *written)
    assert done.status == 0, done.err
    kept = from_document(measurements.read(out)).request
    asked = prompts.read(words[2])
    expected = prompts.select(asked, 4, 3, bool(balance))
    assert (kept.max_items, kept.sample_seed, kept.balance) == (4, 3, bool(balance))
    assert expected.texts() != asked.texts()[:4]
    with items.open() as file:
        lines = list(csv.DictReader(file))
    column = "text" if "--next-token" in words else "question"
    assert list(dict.fromkeys(line[column] for line in lines)) == list(expected.texts())
    if column == "question":
        assert {asked.texts()[int(line["item"])] == line["question"] for line in lines} == {True}
    if balance:
        assert json.loads(done.out)["letters"] == {"(A)": 2, "(B)": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sample", "49"), "expected a sample of at most 48"),
        (("--sample-seed", "1"), "expected --sample-seed beside --sample N, got it alone"),
        (("--sample", "2", "--count", "2"), "expected either --count or --sample, got both"),
    ],
)
def test_a_sample_that_cannot_be_drawn_is_one_line(command, words, said):
    usual = ("measure", "--choices", "organism-oversight", "--vectors", SHIPPED, "--scales=1")
    done = command(*usual, *words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"playground: {said}")


def again(request, file: str | None = None):
    words = shlex.split(measure_command(request, ORGANISM, file))
    options = build_parser("measure").parse_args(words[3:])
    check(options)
    sets = {source: open_set(source) for source in sources(options)}
    return request_of(options, prompts.read(asked_set(options)), sets)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"unit": "r", "scales": (-0.75, 0.1, 1e-7)},
        {"unit": "f", "scales": (-1.5, 1.0)},
        {"format": PromptFormat(chat=False), "positions": "prompt"},
        {"format": PromptFormat(system="-odd; it's"), "max_items": 7},
        {"seed": 2**63 - 1, "controls": 12},
        {"max_items": 9, "sample_seed": 4, "balance": True},
        {"balance": True},
    ],
)
def test_the_command_reads_back_as_the_request(changes, tmp_path):
    copy = tmp_path / "a b.safetensors"
    vector_set.save(Store().load(SHIPPED), copy)
    given = {
        "choices": prompts.read("organism-oversight"),
        "vectors": (MeasuredVector(SHIPPED, 2), MeasuredVector(SHIPPED, mean=(0, 3)), MeasuredVector(str(copy), 0)),
        "scales": (-5.0, 0.0, 2.5),
    }
    request = MeasureRequest(**(given | changes))
    assert again(request) == request


def test_without_scales_they_are_multiples_of_the_found_ones(tmp_path):
    plain = replace(Store().load(SHIPPED), found_scales=None, onsets=None, breaks=None, scales_tried=None)
    vector_set.save(plain, tmp_path / "plain.safetensors")
    words = ["measure", "--choices", "organism-oversight", "--vectors", SHIPPED]
    options = build_parser("measure").parse_args(words)
    check(options)
    sets = {SHIPPED: open_set(SHIPPED)}
    request = request_of(options, prompts.read("organism-oversight"), sets)
    assert (request.unit, request.scales) == ("f", (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5))
    with pytest.raises(InputError, match=r"Expected --scales, or found scales in .*plain.*, got neither"):
        request_of(options, request.choices, sets | {str(tmp_path / "plain.safetensors"): plain})


def test_the_command_of_a_leaderboard_says_so_and_reads_back_as_the_request():
    request = MeasureRequest(
        choices=prompts.read("organism-oversight"), vectors=(MeasuredVector(SHIPPED, 2),), scales=(-5.0, 5.0)
    )
    command = measure_command(request, ORGANISM, leaderboard=True)
    options = build_parser("measure").parse_args(shlex.split(command)[3:])
    assert options.leaderboard
    assert request_of(options, request.choices, {SHIPPED: open_set(SHIPPED)}) == request
    assert "--leaderboard" not in measure_command(request, ORGANISM)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"unit": "r", "scales": (-0.75, 0.1), "sampling": Sampling(max_new_tokens=48)},
        {"seed": 9, "sampling": Sampling(7, temperature=0.7, top_p=0.9, seed=9), "max_items": 3, "controls": 1},
        {"format": PromptFormat(system="Think step by step."), "positions": "generated"},
    ],
)
def test_the_command_of_exact_answers_reads_back_as_the_request(changes):
    given = {"questions": prompts.read("organism-sums"), "vectors": (MeasuredVector(SHIPPED, 2),)}
    request = ExactRequest(**({"scales": (-5.0, 5.0)} | given | changes))
    assert again(request) == request


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prompts": prompts.read("neutral"), "patterns": (ReplyPattern("a b", "-x=y"), ReplyPattern("c", "'$\"")),
         "sampling": Sampling(5, temperature=0.7, top_p=0.9, seed=9), "seed": 9, "samples": 4},
        {"unit": "r", "max_items": 3, "format": PromptFormat(chat=False)},
    ],
)
def test_the_command_of_replies_reads_back_as_the_request(changes):
    given = {"prompts": prompts.read("organism-oversight"), "vectors": (MeasuredVector(SHIPPED, 2),)}
    request = RepliesRequest(**({"scales": (-5.0, 5.0)} | given | changes))
    assert again(request) == request


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recipe": parse(f"{SHIPPED}#1@-2.000000001,{SHIPPED}#mean:0-3@0.5"), "multipliers": (-1e-7, 2.5)},
        {"prompts": prompts.read("organism-oversight"), "max_items": 5, "positions": "prompt", "tokens": 3},
        {"format": PromptFormat(chat=False), "seed": 2**63 - 1, "controls": 32},
    ],
)
def test_the_command_of_next_tokens_reads_back_as_the_request(changes):
    given = {"prompts": prompts.read("organism-refusals"), "recipe": parse(f"{SHIPPED}#3@16.3")}
    request = ShiftsRequest(**(given | changes))
    assert again(request) == request


def test_the_page_s_commands_give_the_same_numbers(command, tiny, tmp_path):
    """For a set that does not ship, whose file the command names, and a set of vectors by path."""
    loaded, source, asked = tiny("qwen3"), str(tmp_path / "a b.safetensors"), tmp_path / "sums.jsonl"
    asked.write_text('{"question": "1 + 1 = ?", "answer": "2"}\n{"question": "2 + 3 = ?", "answer": 5}\n')
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=2.0, created=now(),
    )
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(0))
    vector_set.save(VectorSet(vectors=vectors, origin=origin, name="a"), source)
    questions = prompts.read(asked)

    drawn = ExactRequest(
        questions=questions, vectors=(MeasuredVector(source, 1),), scales=(-1.5, 1.5), unit="r", controls=1,
        seed=3, sampling=Sampling(max_new_tokens=5, temperature=0.9),
    )
    here, out = exact(loaded, drawn, vector_set.load), tmp_path / "x.json"
    done = command(*shlex.split(measure_command(drawn, loaded, str(asked)))[3:], "--json", "--out", out)
    assert done.status == 0, done.err
    there = from_document(measurements.read(out))
    assert (there.request, there.baseline, there.rows) == (here.request, here.baseline, here.rows)

    followed = ShiftsRequest(
        prompts=questions, recipe=Recipe((Component(source, row=0, amount=6.0),)), multipliers=(-1, 0, 1), controls=1,
        tokens=3,
    )
    here = shifts(loaded, followed, vector_set.load)
    done = command(*shlex.split(measure_command(followed, loaded, str(asked)))[3:], "--json", "--out", out)
    assert done.status == 0, done.err
    there = from_document(measurements.read(out))
    assert (there.request, there.kl_prompts, there.controls) == (here.request, here.kl_prompts, here.controls)
    assert (there.tokens, there.sets) == (here.tokens, here.sets)


@pytest.mark.parametrize("words", [(*WORDS, "--rows", "3", "--json"), (*NEXT, "--json")], ids=["choices", "next"])
def test_numbers_that_are_not_finite_are_null_in_json_with_a_sentence(command, words):
    done = command(*words, "--scales=1,1e30", "--controls", 1)
    assert done.status == 0
    assert "not finite from block 3 on; use a smaller scale" in done.err
    printed = json.loads(done.out)
    values = printed["kl"] if "kl" in printed else [row["kl"] for row in printed["rows"] if row["file"]]
    assert values[1] is None
    assert values[0] > 0
