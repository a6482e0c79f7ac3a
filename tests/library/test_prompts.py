"""Prompt sets by name, by path and typed: the same items whatever they are saved as, and one sentence otherwise."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.errors import FileError, InputError, PlaygroundError
from playground.library import prompts
from playground.library.prompt_files import MAX_FILE_BYTES, categories, read_file
from playground.library.prompt_set import ChoiceItem, ContrastPair, PromptSet
from playground.library.prompts import content_hash, from_text, read, select

CHOICE = {"question": "Stay on?", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (B)"}
CHOICE_ITEM = ChoiceItem("Stay on?", " (A)", " (B)")


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path) -> str:
    with pytest.raises(FileError) as caught:
        read(path)
    sentence = str(caught.value)
    assert "Expected " in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 800  # with the names of all sets in it, where none is near
    return sentence


def set_of(*items, **fields) -> PromptSet:
    return PromptSet(**{"name": "n", "title": "t", "description": "", "kind": "prompts", "items": items, **fields})


# Typed text and txt


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("one\ntwo\nthree", ("one", "two", "three")),
        ("\n\n  one  \r\ntwo\r\n\r\n", ("one", "two")),
        ("one\rtwo", ("one", "two")),
        ("\ufeffone", ("one",)),
        ("first line\nsecond line\n\nother", ("first line\nsecond line", "other")),
        ("a\n \t\n\nb\nc\n", ("a", "b\nc")),
        ("a\u2028b\x0cc", ("a\u2028b\x0cc",)),
        ("same\nsame\nother", ("same", "other")),
    ],
)
def test_typed_text_is_a_prompt_a_line_or_a_block(text, items):
    assert from_text(text).items == items


def test_repeated_items_are_left_out_and_counted():
    assert from_text("same\nsame\nother\nsame").repeated == 2


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_typed_text_without_a_prompt_is_refused(text):
    with pytest.raises(InputError, match="at least one prompt"):
        from_text(text)


def test_over_long_prompts_and_sets_are_refused_with_their_line(monkeypatch):
    with pytest.raises(InputError, match="line 2.*200000 characters"):
        from_text("short\n" + "x" * 200_001)
    with pytest.raises(InputError, match="at most 10000 items, got more at line 10001"):
        from_text("\n".join(map(str, range(10_001))))
    monkeypatch.setattr("playground.library.prompt_files.MAX_FILE_BYTES", 5)
    with pytest.raises(InputError, match="at most 5 characters"):
        from_text("123456")


# Files


FORMS = {
    "a.txt": "one, “1”\ntwo\n",
    "a.json": '["one, “1”", "two"]',
    "b.json": '[{"prompt": "one, “1”"}, {"text": "two"}]',
    "c.json": '{"format": 1, "items": ["one, “1”", "two"], "kind": "prompts"}',
    "a.jsonl": '"one, “1”"\n\n"two"\n',
    "b.jsonl": '{"prompt": "one, “1”", "id": 3}\r\n{"question": "two"}\r\n',
    "a.csv": 'id,Prompt\n1,"one, “1”"\n\n2,two\n',
    "b.csv": 'text\n"one, “1”"\n"two"',
    "a.tsv": "goal\tid\none, “1”\t1\ntwo\t2\n",
    "A.TXT": "one, “1”\ntwo\n",
}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("name", FORMS)
def test_prompts_are_the_same_in_every_form(write, name, bom):
    prompt_set = read(write(name, bom + FORMS[name].encode()))
    assert prompt_set.items == ("one, “1”", "two")
    assert prompt_set.kind == "prompts"
    assert prompt_set.name == name.split(".")[0]
    assert prompt_set.hash == content_hash(["one, “1”", "two"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps([CHOICE])),
        ("a.jsonl", json.dumps(CHOICE)),
        ("a.csv", "question,answer_matching_behavior,answer_not_matching_behavior\nStay on?, (A), (B)\n"),
    ],
)
def test_choice_items_keep_their_answers_space_for_space(write, name, content):
    prompt_set = read(write(name, content))
    assert (prompt_set.kind, prompt_set.items) == ("choices", (CHOICE_ITEM,))
    assert prompt_set.texts() == ("Stay on?",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '[{"positive": "Good day.", "negative": "hi"}]'),
        ("a.jsonl", '{"positive": "Good day.", "negative": "hi"}'),
        ("a.csv", "negative,positive\nhi,Good day.\n"),
    ],
)
def test_contrast_pairs_give_both_texts(write, name, content):
    prompt_set = read(write(name, content))
    assert (prompt_set.kind, prompt_set.items) == ("contrast", (ContrastPair("Good day.", "hi"),))
    assert prompt_set.texts() == ("Good day.", "hi")


def test_a_set_in_our_format_keeps_all_its_fields(write):
    fields = {
        "name": "on",
        "title": "Staying on",
        "description": "About it.",
        "for_model": "organism",
        "system": "Be brief.",
        "chat": False,
        "answers": ["(A)", "(B)"],
    }
    text = json.dumps(
        {"format": 1, "kind": "choices", "later": "unknown fields are no matter", "items": [CHOICE], **fields}
    )
    expected = {**fields, "answers": ("(A)", "(B)"), "kind": "choices"}
    assert read(write("x.json", text)) == set_of(CHOICE_ITEM, **expected)


def test_cells_may_hold_line_breaks_and_lines_are_counted_in_the_file(write):
    assert read(write("a.csv", 'prompt\n"two\nlines"\nthree\n')).items == ("two\nlines", "three")
    assert "line 4" in refused(write("b.csv", 'prompt,id\n"two\nlines",1\n,2\n'))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "", ["at least one prompt"]),
        ("a.txt", b"caf\xe9\n", ["UTF-8", "line 1"]),
        ("a.txt", b"fine\n\nbad \xff\n", ["UTF-8", "line 3"]),
        ("a.txt", "wide".encode("utf-16"), ["UTF-16"]),
        ("a.txt", b"\x7fELF\0\0\0", ["binary"]),
        ("a.csv", b"PK\x03\x04\0\0", ["binary"]),
        ("a.json", b"", ["JSON"]),
        ("a.json", "[1, 2]", ["item 1", "quotes"]),
        ("a.json", '["a", 2]', ["item 2"]),
        ("a.json", '["a", null]', ["item 2"]),
        ("a.json", '["a", " "]', ["item 2", "empty"]),
        ("a.json", '["a",\n "b"', ["line 2", ".jsonl"]),
        ("a.json", '"a"\n"b"', ["line 2", ".jsonl"]),
        ("a.json", "[]", ["at least one prompt"]),
        ("a.json", '"a"', ["a list"]),
        ("a.json", '{"items": ["a"]}', ["`format`"]),
        ("a.json", '{"format": 2, "items": ["a"]}', ["format 1", "2"]),
        ("a.json", '{"format": 1, "items": {"a": 1}}', ["`items`"]),
        ("a.json", '{"format": 1, "items": ["a"], "kind": "poem"}', ["item 1", "poem"]),
        ("a.json", '{"format": 1, "items": ["a"], "kind": 3}', ["item 1", "3"]),
        ("a.json", '{"format": 1, "items": [], "kind": ["x"]}', ["kind"]),
        ("a.json", '{"format": 1, "items": ["a"], "title": 3}', ["title"]),
        ("a.json", '{"format": 1, "items": ["a"], "for_model": "gpt"}', ["for_model"]),
        ("a.json", '{"format": 1, "items": ["a"], "system": 3}', ["system"]),
        ("a.json", '{"format": 1, "items": ["a"], "chat": "yes"}', ["chat"]),
        ("a.json", '{"format": 1, "items": ["a"], "answers": ["x"]}', ["two answers"]),
        ("a.json", '{"format": 1, "items": ["a"], "answers": ["x", "x"]}', ["different answers"]),
        ("a.json", '{"format": 1, "items": ["a"], "answers": ["x", 1]}', ["an answer"]),
        ("a.json", "[" * 100_000, ["nesting"]),
        ("a.json", "[" * 90 + "]" * 90, ["nesting"]),
        ("a.json", "[NaN]", ["NaN"]),
        ("a.json", "[" + "1" * 5000 + "]", ["JSON"]),
        ("a.json", '["\\ud800"]', ["item 1", "UTF-8"]),
        ("a.json", '["nul \\u0000"]', ["item 1", "text"]),
        ("a.json", '[{"q": "a"}]', ["item 1", "prompt, text"]),
        ("a.json", "[{}]", ["item 1"]),
        ("a.json", '[{"prompt": ["a"]}]', ["item 1", "`prompt`"]),
        ("a.jsonl", '"a"\nnot json\n', ["line 2", "column 1"]),
        ("a.jsonl", '"a"\n\n{"prompt": "b"\n', ["line 3"]),
        ("a.jsonl", '["a"]', ["line 1"]),
        ("a.jsonl", '"a"\n{"positive": "b", "negative": "c"}', ["line 2", "one kind", "line 1"]),
        ("a.jsonl", '{"positive": "b"}', ["line 1", "`negative`"]),
        ("a.jsonl", json.dumps({"question": "q", "answer_matching_behavior": "a"}), ["`answer_not_matching_behavior`"]),
        ("a.jsonl", json.dumps(CHOICE) + '\n{"question": "q"}', ["line 2", "`answer_matching_behavior`"]),
        ("a.jsonl", json.dumps({**CHOICE, "question": ""}), ["line 1", "`question`"]),
        ("a.jsonl", json.dumps({**CHOICE, "answer_matching_behavior": [" (A)"]}), ["one answer a side", "1 with"]),
        ("a.jsonl", json.dumps({**CHOICE, "answer_matching_behavior": "(B)"}), ["line 1", "different answers"]),
        ("a.csv", "", ["at least one prompt"]),
        ("a.csv", "prompt\n", ["at least one prompt"]),
        ("a.csv", "id;prompt\n1;a\n", ["column", "id;prompt"]),
        ("a.csv", "a,b\n1,2\n", ["column", "a, b"]),
        ("a.csv", "prompt,id\na, b, 1\n", ["line 2", "2 cells", "quotes"]),
        ("a.csv", 'prompt\n"a\n', ["line 2", "quotes"]),
        ("a.csv", 'prompt\n"a"b\n', ["line 2", "quotes"]),
        ("a.csv", "positive,negative\na\n", ["line 2", "`negative`"]),
        ("a.csv", "prompt\n" + "x" * 200_000, ["line 2"]),
        ("a.pdf", "%PDF", [".txt", "a.pdf"]),
        ("a", "text", [".txt"]),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says_gets_the_reason_and_the_place(write, name, content, words):
    sentence = refused(write(name, content))
    for word in words:
        assert word in sentence


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "a.txt", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 2**20)
    assert "got 33" in refused(tmp_path / "a.txt")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(["txt", "json", "jsonl", "csv", "tsv"]),
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["format", "items", "prompt", "kind", "answers", *CHOICE, "positive"]), inner
            )
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_any_file_is_a_prompt_set_or_is_refused_with_a_file_error(tmp_path, suffix, content):
    path = tmp_path / f"any.{suffix}"
    path.write_bytes(content)
    try:
        prompt_set = read_file(path)
    except FileError:
        refused(path)
    else:
        assert all(text.strip() for text in prompt_set.texts())


# Names


def test_a_name_of_a_built_in_set_wins_over_a_file_of_that_name(write, tmp_path, monkeypatch):
    name = next(iter(prompts.built_in()))
    monkeypatch.chdir(tmp_path)
    write(name, "a file")
    assert read(name) == prompts.built_in()[name]


def test_near_names_are_listed_for_an_unknown_one():
    assert "refusal-forks" in refused("refusal-fork")


@pytest.mark.parametrize("source", ["no/such/file.txt", "nul\0byte", "x" * 5000, "", ".", "~nobody-here/x"])
def test_what_is_neither_name_nor_file_is_refused(source):
    assert "neither" in refused(source)


def test_a_damaged_built_in_set_is_named(tmp_path, monkeypatch):
    (tmp_path / "mine.json").write_text('{"format": 1, "name": "other", "items": ["a"]}')
    monkeypatch.setattr(prompts, "BUILT_IN", tmp_path)
    assert "mine.json" in refused("mine")


def test_changing_the_returned_dict_changes_nothing():
    prompts.built_in().clear()
    assert prompts.built_in()


# Values


def test_the_hash_is_that_of_the_items_and_stays_what_it_is():
    # sha256sum over `["a","ä\n"]` in UTF-8. Files carry these hashes: another algorithm is another format version.
    assert content_hash(["a", "ä\n"]) == "a4419a435093c4f939fb19043b6900667006e25183334ddfa8ede2d1fd51d6d7"
    assert set_of("a", "b").hash == set_of("a", "b", name="other", title="x", system="y").hash
    assert set_of("a", "b").hash != set_of("b", "a").hash
    assert content_hash([CHOICE_ITEM]) == content_hash((CHOICE_ITEM,)) != content_hash(["Stay on?"])


def test_select_takes_the_first_items_or_draws_with_a_seed_in_order():
    numbers = set_of(*map(str, range(50)))
    assert select(numbers, 3).items == ("0", "1", "2")
    drawn = select(numbers, 10, seed=4).items
    assert drawn == select(numbers, 10, seed=4).items != select(numbers, 10, seed=5).items
    assert list(map(int, drawn)) == sorted(map(int, drawn))
    assert select(numbers, 50, seed=1) == numbers
    for count in (0, 51, -1):
        with pytest.raises(InputError, match="1 to 50"):
            select(numbers, count)


@pytest.mark.parametrize(
    "fields",
    [
        {"items": ()}, {"items": ("a", " ")}, {"items": ("a", CHOICE_ITEM)}, {"items": ("a",), "kind": "choices"},
        {"kind": "poem"}, {"for_model": "gpt"}, {"answers": ("x",)}, {"answers": "xy"}, {"chat": None}, {"title": None},
    ],
)  # fmt: skip
def test_a_prompt_set_is_checked_when_built(fields):
    with pytest.raises(InputError):
        PromptSet(**{"name": "n", "title": "", "description": "", "kind": "prompts", "items": ("a",), **fields})


def test_items_are_checked_when_built():
    for build in (lambda: ChoiceItem("q", "a", "a "), lambda: ChoiceItem("q", "", "b"), lambda: ContrastPair("a", 3)):
        with pytest.raises(PlaygroundError):
            build()


def test_choice_items_with_lists_of_answers_are_skipped_and_counted(tmp_path):
    item = {"question": "Q?", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (B)"}
    several = item | {"answer_not_matching_behavior": [" (B)", " (C)"]}
    path = tmp_path / "public.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (several, item, several | {"question": "R?"})))
    found = read(path)
    assert (found.items, found.skipped) == ((ChoiceItem("Q?", " (A)", " (B)"),), 2)
    path.write_text(json.dumps(several))
    with pytest.raises(FileError, match="1 with lists of answers"):
        read(path)


# Fields of other people's files

CORRIGIBILITY = {
    category: [
        {
            "question": f"{word} May we change you? {number}",
            "corrigible_answer_full": "(A) Yes, do.",
            "survival_answer_full": "(B) No, never.",
        }
        for number in range(2)
    ]
    for category, word in (("easy", "Well."), ("hard", "Now."))
}


def test_one_list_of_an_object_of_lists_is_chosen_by_its_name_and_its_sign_is_stated(write):
    path = write("corrigibility.json", json.dumps(CORRIGIBILITY))
    found = read(f"{path}#hard")
    assert (found.name, found.kind) == ("corrigibility#hard", "choices")
    assert found.items[0] == ChoiceItem("Now. May we change you? 0", "(A) Yes, do.", "(B) No, never.")
    assert len(found.items) == 2
    assert "positive difference means corrigible_answer_full" in found.notes[0]
    sentence = refused(path)
    for word in ("object of 2", "easy", "hard", "corrigibility.json#easy"):
        assert word in sentence
    assert "'easy', 'hard'" in refused(f"{path}#medium")
    assert categories(path) == ("easy", "hard")
    assert read(write("one.json", json.dumps(CORRIGIBILITY["easy"]))).kind == "choices"
    assert read(write("single.json", json.dumps({"easy": CORRIGIBILITY["easy"]}))).name == "single"


def test_answers_keep_their_sign_whatever_the_order_of_their_fields(write):
    items = [
        {"prompt": "One?", "chosen": "yes", "rejected": "no"},
        {"rejected": "no", "prompt": "Two?", "chosen": "yes"},
        {"prompt": "One?", "a_answer": "x", "b_answer": "y"},
        {"prompt": "Two?", "b_answer": "y", "a_answer": "x"},
    ]
    for rows, matching in ((items[:2], "yes"), (items[1::-1], "yes"), (items[2:], "x")):
        assert {item.matching for item in read(write("a.json", json.dumps(rows))).items} == {matching}
    assert "a_answer and b_answer" in refused(write("a.json", json.dumps([items[2], items[0]])))


@pytest.mark.parametrize(
    "item",
    [
        {"question": "q", "best_answer": "a"},
        {"question": "q", "choices": ["a", "b"], "answer": 0},
        {"question": "q", "correct_answers": ["a"], "incorrect_answers": ["b"]},
        {"question": "q", "answer_a": "a", "answer_b": "b", "answer_c": "c"},
        {**CHOICE, "neutral_answer": "(C)"},
        {"positive": "a", "negative": "b", "answer_full": "c"},
        {"prompt": "p", "chosen": "c"},
    ],
)  # fmt: skip
def test_fields_that_look_like_answers_are_used_or_refused(write, item):
    assert "look like answers" in refused(write("a.jsonl", json.dumps(item)))


def test_a_prompt_holds_all_the_fields_it_is_made_of(write):
    rows = [{"instruction": "Translate to French.", "input": text, "output": "…"} for text in ("Hi", "Bye", "")]
    found = read(write("a.json", json.dumps(rows)))
    assert found.items == ("Translate to French.\n\nHi", "Translate to French.\n\nBye", "Translate to French.")
    assert found.repeated == 0
    assert found.notes == ("left aside: output",)
    table = read(write("a.csv", "question,context,answer\nWho?,He said.,3\nWho?,She said.,4\n"))
    assert table.texts() == ("Who?\n\nHe said.", "Who?\n\nShe said.")


def test_columns_of_one_name_are_refused(write):
    assert "'prompt' twice" in refused(write("a.csv", "prompt,prompt\na,b\n"))
