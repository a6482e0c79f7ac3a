"""find and generate: what they print and write, and that whatever is wrong leaves nothing behind."""

from __future__ import annotations

import json
import re

import pytest
import torch

from playground.library import vector_set

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
SAVED = ("file", "method", "source", "target", "tokens", "singular_values", "residuals", "converged", "seconds")


@pytest.fixture(scope="module")
def model(tiny_path):
    return str(tiny_path("qwen3"))


def find_words(model, out, *more, method="power", prompts=PROMPTS):
    words = ["find", method, "--model", model, "--source", 0, "--target", 2, "--vectors", 3, "--out", out]
    return [*words, *(word for prompt in prompts for word in ("--prompt", prompt)), *more]


@pytest.fixture(scope="module")
def found(model, tmp_path_factory):
    """A set to steer with."""
    from playground.cli.main import main

    out = tmp_path_factory.mktemp("sets") / "found.safetensors"
    assert main([str(word) for word in find_words(model, out, "--json", method="random")]) == 0
    return out


def test_find_power_writes_a_set_and_prints_one_json_object(command, model, tmp_path):
    out = tmp_path / "x.safetensors"
    run = command(*find_words(model, out, "--seed", 3, "--tokens", 1, "--json"))
    assert run.status == 0, run.err
    data = json.loads(run.out)
    assert set(SAVED) <= set(data)
    assert (data["file"], data["method"], data["source"], data["target"], data["tokens"]) == (
        str(out),
        "power",
        0,
        2,
        1,
    )
    assert data["converged"] is True
    saved = vector_set.load(out)
    assert data["singular_values"] == saved.singular_values.tolist()
    assert data["residuals"] == saved.residuals.tolist()
    assert saved.origin.prompts == PROMPTS
    assert saved.origin.seed == 3
    assert 0 < data["seconds"] == saved.origin.seconds
    assert list(tmp_path.iterdir()) == [out]


def test_find_random_writes_unit_rows(command, model, tmp_path):
    out = tmp_path / "r.safetensors"
    data = json.loads(command(*find_words(model, out, "--json", method="random")).out)
    assert (data["method"], data["singular_values"], data["converged"]) == ("random", None, None)
    assert torch.allclose(vector_set.load(out).native_norms, torch.ones(3))


def test_without_json_find_prints_a_table_and_where_it_was_written(command, model, tmp_path):
    out = tmp_path / "x.safetensors"
    run = command(*find_words(model, out))
    assert run.status == 0
    scale = r" +(?:[\d.e-]+|noise|none)"
    assert len(re.findall(rf"^ +\d+ +[\d.]+ +\S+{scale}{scale}$", run.out, re.MULTILINE)) == 3
    assert run.out.rstrip().endswith(str(out))


def test_find_gives_a_scale_for_each_row_and_sign_unless_told_not_to(command, model, tmp_path):
    out = tmp_path / "x.safetensors"
    data = json.loads(command(*find_words(model, out, "--json")).out)
    assert [(item["row"], item["sign"]) for item in data["scales"]] == [(row, s) for row in range(3) for s in (1, -1)]
    saved = vector_set.load(out)
    for item in data["scales"]:
        window = saved.window(item["row"], item["sign"])
        assert (item["onset"], item["break"], item["found"]) == (window.onset, window.break_, window.found)
    assert data["reference"] == "median"
    data = json.loads(command(*find_words(model, out, "--json", "--no-scales")).out)
    assert data["scales"] == []
    assert vector_set.load(out).scales_tried is None


def test_find_reads_a_prompt_set_by_name_and_a_file(command, model, tmp_path):
    from playground.library import prompts

    name, chosen = next((name, s) for name, s in prompts.built_in().items() if s.for_model == "any" and s.chat)
    out = tmp_path / "x.safetensors"
    words = ["find", "random", "--model", model, "--source", 0, "--out", out]
    assert command(*words, "--prompts", name, "--count", 2).status == 0
    origin = vector_set.load(out).origin
    assert (origin.prompt_set, origin.prompts, origin.system) == (name, chosen.texts()[:2], chosen.system)
    file = tmp_path / "mine.txt"
    file.write_text("One prompt.\nAnother one.\n")
    assert command(*words, "--prompts", file).status == 0
    assert vector_set.load(out).origin.prompts == ("One prompt.", "Another one.")


def test_raw_and_system_are_kept_with_the_set(command, model, tmp_path):
    out = tmp_path / "x.safetensors"
    assert command(*find_words(model, out, "--raw", method="random")).status == 0
    assert (vector_set.load(out).origin.chat, vector_set.load(out).origin.system) == (False, None)
    assert command(*find_words(model, out, "--system", "Be brief.", method="random")).status == 0
    assert (vector_set.load(out).origin.chat, vector_set.load(out).origin.system) == (True, "Be brief.")


def test_generate_prints_the_baseline_first_and_each_recipe(command, model, found):
    run = command(
        "generate",
        "--model",
        model,
        "--prompt",
        PROMPTS[0],
        "--max-new-tokens",
        4,
        "--steer",
        f"{found}#0@20",
        "--steer",
        f"{found}#1@-3.5,{found}#mean:0-2@2",
        "--json",
    )
    assert run.status == 0, run.err
    rows = json.loads(run.out)["rows"]
    assert [row["recipe"] for row in rows] == ["", f"{found}#0@20", f"{found}#1@-3.5,{found}#mean:0-2@2"]
    assert all(len(row["token_ids"]) == 4 and isinstance(row["text"], str) for row in rows)
    assert rows[1]["norm"] == pytest.approx(20)
    assert rows[0]["token_ids"] != rows[1]["token_ids"]


def test_generate_takes_sets_of_the_library_by_name(command, model, found, tmp_path, monkeypatch):
    monkeypatch.setenv("PLAYGROUND_VECTORS", str(found.parent))
    monkeypatch.chdir(tmp_path)
    run = command(
        "generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 2, "--steer", "found#0@20", "--json"
    )
    assert run.status == 0, run.err
    assert json.loads(run.out)["rows"][1]["recipe"] == "found#0@20"


def test_a_file_that_is_there_goes_before_a_set_of_the_library(command, model, found, tmp_path, monkeypatch):
    """`find --out x.safetensors` and then `--steer x.safetensors#0@3` must mean the same file."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "x.safetensors").write_bytes(b"damaged")
    (tmp_path / "x.safetensors").write_bytes(found.read_bytes())
    monkeypatch.setenv("PLAYGROUND_VECTORS", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)
    words = ("generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 1)
    assert command(*words, "--steer", "x.safetensors#0@3").status == 0
    assert command(*words, "--steer", "x#0@3").status == 2


def test_without_json_generate_prints_each_text_under_its_recipe(command, model, found):
    run = command("generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 2, "--steer", f"{found}#0@20")
    assert run.status == 0
    assert re.search(rf"── baseline\n.*── {re.escape(str(found))}#0@20 · norm 20\n", run.out, re.DOTALL)


def test_samples_are_rows_of_their_own(command, model, found):
    run = command(
        "generate",
        "--model",
        model,
        "--prompt",
        "Hi",
        "--max-new-tokens",
        6,
        "--steer",
        f"{found}#0@1",
        "--samples",
        2,
        "--temperature",
        1,
        "--seed",
        5,
        "--json",
    )
    rows = json.loads(run.out)["rows"]
    assert [(row["recipe"] == "", row["sample"]) for row in rows] == [(True, 0), (True, 1), (False, 0), (False, 1)]
    assert rows[0]["token_ids"] != rows[1]["token_ids"]


def test_a_set_of_another_model_of_equal_width_is_a_warning_on_standard_error(command, found, tiny_path):
    run = command(
        "generate",
        "--model",
        tiny_path("llama"),
        "--prompt",
        "Hi",
        "--max-new-tokens",
        1,
        "--steer",
        f"{found}#0@1",
        "--json",
    )
    assert run.status == 0
    assert "warning" in run.err
    assert "qwen3" in run.err
    json.loads(run.out)


@pytest.fixture(scope="module")
def other_width(tiny_path, tmp_path_factory):
    import tiny_models

    folder = tmp_path_factory.mktemp("wide")
    return str(tiny_models.build("gpt2", folder, n_embd=48))


def bad_cases(model, found, other_width, tmp_path):
    text = tmp_path / "text.safetensors"
    text.write_text("this is no safetensors file")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    out = tmp_path / "out.safetensors"
    generate = ["generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 1]

    def find(*more, **options):
        return find_words(model, out, *more, **options)

    return {
        "source out of range": (find("--source", 9), ["source layer from 0 to 2", "got 9"]),
        "target out of range": (find("--target", 4), ["target layer from 1 to 3", "got 4"]),
        "layers in the wrong order": (find("--source", 2, "--target", 1), ["target layer from 3 to 3", "got 1"]),
        "k larger than d": (find("--vectors", 33), ["at most 32 vectors", "got 33"]),
        "K longer than the shortest prompt": (find("--tokens", 200), ["target tokens", "prompt 2", "got 200"]),
        "an empty prompt": (find(prompts=("Hi", " ")), ["empty", "2 of 2"]),
        "an over-long prompt": (find(prompts=("Hi", "word " * 500)), ["Prompt 2 of 2", "256"]),
        "an unknown prompt set": (find("--prompts", "refusalz", prompts=()), ["refusalz"]),
        "a prompt set that is a folder": (find("--prompts", tmp_path, prompts=()), ["prompt"]),
        "an empty prompt file": (find("--prompts", empty, prompts=()), ["prompt"]),
        "more prompts than the set has": (find("--prompts", "tone", "--count", 9999, prompts=()), ["9999"]),
        "a count without a set": (find("--count", 1), ["--count"]),
        "no such model": (find("--model", "./nowhere"), ["nowhere"]),
        "an output that is a folder": (find("--out", tmp_path), ["--out"]),
        "an output below a file": (find("--out", text / "x"), ["--out"]),
        "raw with a system prompt": (find("--raw", "--system", "x"), ["system prompt"]),
        "a missing set": ([*generate, "--steer", "nothing#0@1"], ["nothing"]),
        "a missing file": ([*generate, "--steer", f"{tmp_path}/no.safetensors#0@1"], ["neither"]),
        "a file that is no set": ([*generate, "--steer", f"{text}#0@1"], ["safetensors"]),
        "a row that is not there": ([*generate, "--steer", f"{found}#7@1"], ["rows", "7"]),
        "a scale that is no number": ([*generate, "--steer", f"{found}#0@big"], ["number", "big"]),
        "a scale that is not finite": ([*generate, "--steer", f"{found}#0@nan"], ["number", "nan"]),
        "a recipe without a scale": ([*generate, "--steer", f"{found}#0"], ["FILE#ROW@SCALE"]),
        "a range the wrong way round": ([*generate, "--steer", f"{found}#mean:2-1@1"], ["2-1"]),
        "an empty recipe": ([*generate, "--steer", ""], ["recipe"]),
        "a set for another width": (
            ["generate", "--model", other_width, "--prompt", "Hi", "--raw", "--steer", f"{found}#0@1"],
            ["48", "32"],
        ),
        "a model without a chat template": (
            ["generate", "--model", other_width, "--prompt", "Hi"],
            ["chat template", "--raw"],
        ),
        "a prompt of nothing": (["generate", "--model", model, "--prompt", ""], ["prompt"]),
        "a text longer than the model reads": ([*generate, "--max-new-tokens", 9999], ["256", "9999"]),
        "too many samples": ([*generate, "--samples", 99999], ["samples"]),
    }


def test_bad_input_is_one_sentence_status_2_and_nothing_else(command, model, found, other_width, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    cases = bad_cases(model, found, other_width, place)
    before = sorted(place.iterdir())
    for case, (words, expected) in cases.items():
        run = command(*words, "--json")
        assert run.status == 2, (case, run)
        assert run.out == "", case
        assert re.fullmatch(r"playground: [^\n]+\n", run.err), (case, run.err)
        assert "xpected" in run.err, (case, run.err)
        for word in expected:
            assert word in run.err, (case, run.err)
        assert sorted(place.iterdir()) == before, case


def test_a_failed_find_leaves_the_file_that_was_there(command, model, tmp_path):
    out = tmp_path / "x.safetensors"
    out.write_bytes(b"before")
    assert command(*find_words(model, out, "--vectors", 33)).status == 2
    assert out.read_bytes() == b"before"


def test_what_libraries_print_does_not_reach_standard_output_with_json(command, model, found, monkeypatch):
    from playground.services import generate as service

    real = service.generate_in_parts

    def noisy(*args, **options):
        print("a library says hello")
        return real(*args, **options)

    monkeypatch.setattr(service, "generate_in_parts", noisy)
    run = command("generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 1, "--json")
    assert len(json.loads(run.out)["rows"]) == 1
    assert "hello" in run.err


def test_a_bug_keeps_its_traceback(command, model, monkeypatch):
    from playground.services import generate as service

    def broken(*args, **options):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(service, "generate_in_parts", broken)
    with pytest.raises(ZeroDivisionError):
        command("generate", "--model", model, "--prompt", "Hi", "--max-new-tokens", 1)
