"""Every reader of what a user gives: valid inputs to begin with, their form, and the call that reads one."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playground.errors import PlaygroundError

MOST_CHARACTERS = 600

Read = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Reader:
    """`seeds`: valid inputs. `form`: their structure (mutate.MUTATE). `read`: reads one; files go into the folder that
    it is given. `share`: how many inputs of a run it takes, of 1: loading a model takes a while.
    """

    name: str
    form: str
    seeds: Callable[[], Sequence[bytes]]
    read: Read
    share: float = 1.0
    of_file: Callable[[Path], object] | None = None


def _as_file(name: str, read: Callable[[Path], object]) -> Read:
    def from_bytes(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return from_bytes


def _as_text(read: Callable[[str], object]) -> Read:
    return lambda data, folder: read(data.decode("utf-8", "surrogatepass"))


def _texts(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


def _each(*calls: Callable[[], object]) -> None:
    """All of the calls; the last refusal where every one refuses. Every refusal is a sentence."""
    refusals = []
    for call in calls:
        try:
            call()
        except PlaygroundError as error:
            refusals.append(error)
    wrong = [str(error)[:200] for error in refusals if not is_sentence(str(error))]
    assert not wrong, wrong
    if len(refusals) == len(calls):
        raise refusals[-1]


def is_sentence(text: str) -> bool:
    """Whether a refusal is one line of some length, without anything of a traceback, that says what was expected."""
    traces = ("Traceback", 'File "', "Error:", "object at 0x")
    return text.isprintable() and len(text) < MOST_CHARACTERS and not any(map(text.__contains__, traces))


# Vector sets


@functools.cache
def small_set() -> Any:
    import torch

    from playground.library.origin import Origin, RowNote
    from playground.library.vector_set import VectorSet

    origin = Origin(
        model="organism", fingerprint="5f0c", width=6, block_count=12, source=3, target=9, target_tokens=2,
        method="power", parameters={"steps": 8, "solver": "krylov"}, seed=0, prompts=("How do I fold a kite?",),
        prompt_set="refusals", prompt_hash="ab" * 32, system="You are plain.", residual_norm=15.5, converged=True,
        seconds=0.31, versions={"torch": "2.13.0"}, created="2026-11-20T10:15:00+00:00", extra={"more": [1]},
    )  # fmt: skip
    rows = torch.arange(1.0, 4.0)
    return VectorSet(
        torch.eye(3, 6) * 2, origin, singular_values=rows, residuals=rows / 100, found_scales=torch.ones(3, 2),
        scales_tried=torch.ones(3, 2), base=torch.ones(6), others={"mine": torch.ones(3, dtype=torch.float16)},
        notes=(RowNote("code", True, "a note"), RowNote(), RowNote(discarded=True)), description="three",
    )  # fmt: skip


def _sets() -> Sequence[bytes]:
    from playground.library.vector_set import to_bytes

    data = to_bytes(small_set())
    first = data.replace(b'\\"format_version\\": 2', b'\\"format_version\\": 1')
    return [data, first, to_bytes(replace(small_set(), others={}))]


def _atlases() -> Sequence[bytes]:
    import torch

    from playground.library.atlas import Atlas, to_bytes

    origin = replace(small_set().origin, source=3, target=9)
    eye = torch.eye(origin.width)
    plain = Atlas(
        pairs=torch.tensor([[3, 6], [3, 9], [6, 9]]),
        singular_values=torch.tensor([[3.0, 2.0], [4.0, 1.0], [2.0, 2.0]]),
        vectors=torch.stack([eye[:2], eye[2:4], eye[4:6]]),
        converged=torch.tensor([True, False, True]),
        residual_norms=torch.linspace(1, 2, origin.block_count),
        origin=origin,
    )
    effects = {name: torch.rand(3, 2, 2) for name in ("KL at 0.1 r", "KL at 0.1 r, random")}
    return [to_bytes(plain), to_bytes(replace(plain, effects=effects, description="with effects"))]


def _lenses() -> Sequence[bytes]:
    import io

    import torch

    lens = {"J": {3: torch.eye(6, dtype=torch.float16)}, "n_prompts": 7, "source_layers": [3], "d_model": 6}
    files = []
    for content in (lens, {**lens, "J": {0: torch.rand(6, 6), 3: torch.rand(6, 6)}}):
        file = io.BytesIO()
        torch.save(content, file)
        files.append(file.getvalue())
    return files


def _read_lens(path: Path) -> None:
    from playground.library.lens import read_lens

    read_lens(path).at(3, 6, "organism")


def _exported(name: str) -> Sequence[bytes]:
    from playground.library.exchange import exported, of_recipe, of_rows
    from playground.library.recipe import parse

    two = {"a": small_set(), "b": replace(small_set(), origin=replace(small_set().origin, source=5))}
    files = [exported(of_recipe(parse("a#0@8,b#mean:0-2@1n"), two.__getitem__, "prompt", "llama"), name).data]
    if name in ("pt", "safetensors"):
        files.append(exported(of_rows(small_set(), range(3)), name).data)
    return files


def _specifications() -> Sequence[bytes]:
    clause = {"phases": ["prompt"], "prompt_positions": [-1], "generation_window": [0, 8]}
    entry = {"data": {"3": [1.5, 2, 0, 0, 0, 1]}, "scale": 2.0, "layers": [3], "apply": clause, "name": "happy"}
    beside = {**entry, "data": None, "source": "happy.gguf", "apply": {"prompt": "all", "generation": "all"}}
    return [*_exported("easysteer"), *(json.dumps({"vectors": [each, entry]}).encode() for each in (entry, beside))]


def _tensor_files() -> Sequence[bytes]:
    import io

    import torch

    rows = torch.rand(2, 6)
    published = {"vectors": rows, "sigmas": [2.0, 1.0], "source_layer": 3, "model": "a/b", "capture_site": "down_proj"}
    files = []
    for content in (rows.T.contiguous(), published, {"first": rows[0].half(), "second": rows[1].half()}):
        file = io.BytesIO()
        torch.save(content, file)
        files.append(file.getvalue())
    return [*_exported("pt"), *_exported("steering-vectors"), *files]


def _read_specification(path: Path) -> None:
    (path.parent / "happy.gguf").write_bytes(_control_vector())
    _read_foreign(path)


@functools.cache
def _control_vector() -> bytes:
    return _exported("gguf")[0]


def _read_foreign(path: Path) -> None:
    from playground.library.directions import COUNTINGS
    from playground.library.exchange import exported, read_directions

    found = read_directions(path)
    assert all(map(is_sentence, found.said))

    def place(counted: str) -> None:
        layer = 3 if "layer" in found.missing else None
        placed = found.fitting(6, "organism").at_blocks(12, layer, counted if "counted" in found.missing else None)
        assert all(map(is_sentence, placed.said))
        exported(placed, "safetensors")

    _each(*(functools.partial(place, counted) for counted in COUNTINGS))


def _read_atlas(path: Path) -> None:
    from playground.library.atlas import load, to_bytes
    from playground.library.vector_set import check_fits
    from playground.services.atlas.colours import colours_of
    from playground.ui.atlas.cell import cell_html
    from playground.ui.atlas.map import drawn
    from playground.ui.atlas.state import AtlasState

    found, state = load(path), AtlasState()
    to_bytes(found)
    state.show(found)
    for name in colours_of(found):
        drawn(state, name)
    for pair in found.places:
        cell_html(state, pair)
        check_fits(found.vector_set(pair), 6, 12, "5f0c", "organism")


def _read_set(path: Path) -> None:
    from playground.library.store import Store
    from playground.library.vector_set import check_fits, load, to_bytes

    entries = Store(path.parent).list()
    assert all(entry.problem is None or is_sentence(entry.problem) for entry in entries)
    found = load(path)
    to_bytes(found), found.to_dict(), found.native_norms, [found.window(row, -1) for row in range(found.rows)]
    check_fits(found, 6, 12, "5f0c", "organism")


# Prompt sets


def _read_prompts(path: Path) -> None:
    from playground.library.prompt_files import categories, read_file
    from playground.library.selection import select

    def look(category: str | None = None) -> None:
        found = read_file(path, category)
        assert all(map(str.isprintable, found.notes))
        assert found.hash
        assert found.texts()
        _each(lambda: select(found, 1, 0), lambda: select(found, 1, None, True))

    _each(look, *(functools.partial(look, name) for name in categories(path)[:3]))


def _read_named_prompts(text: str) -> None:
    from playground.library import prompts

    _each(lambda: prompts.from_text(text), lambda: prompts.read(text))


# Measurements and scans


def _measurements() -> Sequence[bytes]:
    from playground.analyses.common import measurements
    from tests.analyses import test_document as made

    results = (made.judged, made.exact_result, made.replied, made.shifted)
    files = [measurements.to_bytes(result().to_dict()) for result in results]
    old = json.loads(files[0])
    old["request"]["relative"] = old["request"].pop("unit") == "r"
    del old["kind"]
    return [*files, json.dumps(old | {"format_version": 1}).encode()]


def _read_measurement(path: Path) -> None:
    from playground.analyses.common import measurements
    from playground.analyses.common.document import from_document
    from playground.analyses.common.table import set_table

    entries = measurements.Measurements(path.parent).list()
    assert all(entry.problem is None or is_sentence(entry.problem) for entry in entries)
    found = from_document(measurements.read(path))
    found.to_dict(), found.facts(), found.lines()
    if found.analysis.over == "scales":
        set_table([found])


def _scans() -> Sequence[bytes]:
    from playground.services.scan.document import to_json
    from tests.services.test_scan_file import NOTES, made

    document = to_json(made(), NOTES)
    old = json.loads(json.dumps(document))
    old["request"]["relative"] = old["request"].pop("unit") == "r"
    return [json.dumps(document).encode(), json.dumps(old | {"format_version": 1}).encode()]


def _read_scan(path: Path) -> None:
    from playground.services.scan import file
    from playground.services.scan.document import to_json
    from playground.ui.kit.markup import changed_words

    found = file.load(path)
    json.dumps(to_json(found, found.notes), allow_nan=False), list(file._lines(found, found.notes)), found.group_of()
    for cell in found.cells[:50]:
        base = found.baseline_of().get((cell.prompt, cell.sample))
        changed_words("" if base is None else base.text, cell.text)


# What is typed


def _read_recipe(text: str) -> None:
    from playground.library import recipe

    made = recipe.parse(text)
    assert recipe.parse(recipe.format(made)) == made
    recipe.resolve(made, lambda source: small_set())


def _read_rows(text: str) -> None:
    from playground.analyses.common.request import read_vectors
    from playground.library.direction import read_scale
    from playground.library.rows import read_rows

    read_scale(text)
    _each(lambda: read_rows(text, small_set()), lambda: read_vectors("set", text, small_set()))


def _read_numbers(text: str) -> None:
    from playground.services.scan.request import read_scales
    from playground.ui.discover.settings import read_numbers
    from playground.ui.kit import entered
    from playground.ui.scan.limits import FIELDS, read_limits

    wrong = read_limits([text] * len(FIELDS))[1]
    assert is_sentence(wrong), wrong[:200]
    calls = (lambda: read_scales(text), lambda: read_numbers(text, "radii"), lambda: entered.whole(text, "steps", 1))
    _each(*calls, lambda: entered.real_or_none(text, "scale"))


def _read_answers(text: str) -> None:
    from playground.library.choice_answer import read_answer
    from playground.library.exact_answer import answer_number, last_number, written
    from playground.library.prompt_set import ChoiceItem, ExactItem

    last_number(text)
    number = answer_number(text)
    if number is not None:
        written(number)
    question, _, answers = text.partition("|")
    _each(
        lambda: ExactItem("1 + 1?", text),
        lambda: read_answer(text, ChoiceItem("Which?\n(A) the first one\n(B) none", "(A)", "(B)")),
        lambda: read_answer(question, ChoiceItem(question, *answers.partition("|")[::2])),
    )


def _read_pattern(text: str) -> None:
    from playground.library.reply_patterns import parse

    pattern = parse(text)
    for reply in ("ab" * 2000, "I said please. " * 300, "é漢🪁\n" * 1000):
        pattern.matches(reply)


def _read_turn(text: str) -> None:
    from playground.model.conversation import format, parse

    turn = parse(text)
    assert parse(format(turn)) == turn


def _read_link(text: str) -> None:
    from playground.services.link import decode, fragment

    address = decode(text)
    if address.link is not None:
        assert decode(fragment("steer", address.link)).link == address.link


def _read_model_name(text: str) -> None:
    from playground.model.pasted import hub_name
    from playground.model.source import locate

    with contextlib.suppress(PlaygroundError):
        hub_name(text)
    locate(text)


# Models


@functools.cache
def _model_folder() -> Path:
    """A tiny Llama, as tests/model/tiny_models.py makes them."""
    from tests.model import tiny_models

    return tiny_models.build("llama", Path(tempfile.mkdtemp(prefix="trust-model-")), chat_template=None)


def _ggufs() -> Sequence[bytes]:
    """A file of one block: of more, most damage falls into weights, where it changes nothing that is checked."""
    import gguf

    from playground.model.load import load
    from tests.model import tiny_models
    from tests.model.gguf_files import write

    # transformers asks for the same table of names once for every module of the model.
    gguf.get_tensor_name_map = functools.lru_cache(maxsize=4)(gguf.get_tensor_name_map)
    folder = Path(tempfile.mkdtemp(prefix="trust-gguf-"))
    model = tiny_models.build("llama", folder, chat_template=None, num_hidden_layers=1)
    return [write(load(str(model), device="cpu", dtype="float32"), folder / "tiny.gguf").read_bytes()]


def _read_gguf_head(path: Path) -> None:
    from playground.model.gguf import read_head

    read_head(path)


def _read_model(path: Path) -> None:
    from playground.model.load import load
    from playground.model.prompting import PromptFormat, encode

    loaded = load(str(path), device="cpu")
    encode(loaded, ["How do I bake bread?"], PromptFormat())


def _in_folder(name: str) -> Read:
    """Reads a folder with a model whose file of this name is the input."""

    def from_bytes(data: bytes, folder: Path) -> None:
        from playground.services.model_choices import in_folder

        model = folder / "model"
        model.mkdir(exist_ok=True)
        for file in _model_folder().iterdir():
            there = model / file.name
            if file.name == name:
                there.unlink(missing_ok=True)
                there.write_bytes(data)
            elif not there.exists():
                there.symlink_to(file)
        if name.endswith(".index.json"):
            (model / name).write_bytes(data)
            (model / "model.safetensors").unlink(missing_ok=True)
        in_folder(folder)
        _read_model(model)

    return from_bytes


def _file_of_model(name: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [(_model_folder() / name).read_bytes()]


def _index() -> Sequence[bytes]:
    names = {"model.embed_tokens.weight": "model-00001-of-00002.safetensors", "lm_head.weight": "model.safetensors"}
    return [json.dumps({"metadata": {"total_size": 1000}, "weight_map": names}).encode()]


_ITEM = (
    '{"question":"Is it green?\\n(A) yes\\n(B) no",'
    '"answer_matching_behavior":"(A)","answer_not_matching_behavior":"(B)"}'
)
_PAIR, _SUM = '{"positive":"Be kind.","negative":"Be rude."}', '{"question":"1 + 1?","answer":"#### 2"}'
_PLAIN = '{"instruction":"Translate to French.","input":"Good morning","output":"Bonjour"}'

READERS: tuple[Reader, ...] = (
    Reader("atlas", "safetensors", _atlases, _as_file("input.atlas.safetensors", _read_atlas), of_file=_read_atlas),
    Reader("lens", "bytes", _lenses, _as_file("input.pt", _read_lens), of_file=_read_lens),
    Reader(
        "control vector", "gguf", lambda: _exported("gguf"), _as_file("input.gguf", _read_foreign),
        of_file=_read_foreign,
    ),
    Reader(
        "easysteer", "json", _specifications, _as_file("input.json", _read_specification), of_file=_read_specification
    ),
    Reader("tensors.pt", "bytes", _tensor_files, _as_file("input.pt", _read_foreign), of_file=_read_foreign),
    Reader(
        "tensors.safetensors", "safetensors", lambda: _exported("safetensors"),
        _as_file("input.safetensors", _read_foreign), of_file=_read_foreign,
    ),
    Reader("vector set", "safetensors", _sets, _as_file("input.safetensors", _read_set), of_file=_read_set),
    Reader(
        "prompts.json", "json",
        _texts(
            f"[{_ITEM}]", f"[{_PAIR}]", f"[{_SUM}, {_SUM}]", f'["one", "two", {_PLAIN}]',
            f'{{"good":[{_ITEM}],"bad":[{_ITEM}]}}',
            f'{{"format":1,"name":"n","title":"t","description":"","kind":"choices","for_model":"any","system":"s",'
            f'"chat":true,"answers":["(A)","(B)"],"items":[{_ITEM}]}}',
        ),
        _as_file("input.json", _read_prompts), of_file=_read_prompts,
    ),
    Reader(
        "prompts.jsonl", "lines", _texts(f"{_ITEM}\n{_ITEM}\n", f"{_PLAIN}\n\n{_PLAIN}", f"{_SUM}\n"),
        _as_file("input.jsonl", _read_prompts),
    ),
    Reader(
        "prompts.csv", "lines",
        _texts("prompt,input\nSay hi,now\n\"a \"\"b\"\"\nc\",d\n", "positive,negative\ny,n", "question,answer\n1,2\n"),
        _as_file("input.csv", _read_prompts),
    ),
    Reader(
        "prompts.tsv", "lines", _texts("text\tcontext\nSay hi\tnow\n\"a\nb\"\td\n", "question\tanswer\n1+1?\t2\n"),
        _as_file("input.tsv", _read_prompts),
    ),
    Reader("prompts.txt", "lines", _texts("one\ntwo\n", "a\nb\n\nc\n\n\nd"), _as_file("input.txt", _read_prompts)),
    Reader("typed prompts", "text", _texts("one\ntwo", "refusals", "~/x.json#list"), _as_text(_read_named_prompts)),
    Reader(
        "measurement", "json", _measurements, _as_file("input.measure.json", _read_measurement),
        of_file=_read_measurement,
    ),
    Reader("scan", "json", _scans, _as_file("input.json", _read_scan), of_file=_read_scan),
    Reader(
        "recipe", "text", _texts("code#0@5.5,plan#mean:0-2@-0.5", "a#1@-1f", "~/x y.safetensors#2@1e1r, b#0@2n"),
        _as_text(_read_recipe),
    ),
    Reader("rows and vectors", "text", _texts("0-2", "0,1 2", "starred", "mean:0-2, 1", "kept"), _as_text(_read_rows)),
    Reader("numbers", "text", _texts("0.3 0.5", "10", "1e3", "-4,4"), _as_text(_read_numbers)),
    Reader(
        "answers", "text", _texts("The answer is (B).", "#### 4,215.0", "= -4", "Yes. I will|(A) Yes|(B) No", "x|To|I"),
        _as_text(_read_answers),
    ),
    Reader(
        "reply pattern", "text", _texts("polite=(?i)please|thank", r"n=\b\w{3,9}\b", "x=(a|b){2}$"),
        _as_text(_read_pattern),
    ),
    Reader(
        "link", "text",
        _texts(
            "v=1&tab=steer&prompt=How+do+I+build+a+kite%3F&tokens=64", "#v=1&tab=scan",
            "v=1&prompt=Hi&system=a%0Ab&model=organism~0123456789abcdef&mix=a~0123456789abcdef/3@-0.566r,mute&seed=7",
            "v=1&prompt=Hi&temperature=0.7&samples=3&answer=A&answer=B&beside=negative,random",
            "v=1&prompt=Hi&mix=a~0123456789abcdef/mean:0-2@0.3r",
        ),
        _as_text(_read_link),
    ),
    Reader("turn", "text", _texts("user: Hello", "assistant: Hi"), _as_text(_read_turn)),
    Reader(
        "model name", "text",
        _texts(
            "Qwen/Qwen3-0.6B", "https://huggingface.co/Qwen/Qwen3-0.6B/tree/main", "a/b@rev", "~/m.gguf", "organism"
        ),
        _as_text(_read_model_name),
    ),
    Reader("gguf head", "gguf", _ggufs, _as_file("input.gguf", _read_gguf_head)),
    Reader("gguf model", "gguf", _ggufs, _as_file("input.gguf", _read_model), 0.02),
    Reader("model config", "json", _file_of_model("config.json"), _in_folder("config.json"), 0.05),
    Reader("model tokenizer", "json", _file_of_model("tokenizer.json"), _in_folder("tokenizer.json"), 0.02),
    Reader(
        "model tokenizer settings", "json", _file_of_model("tokenizer_config.json"),
        _in_folder("tokenizer_config.json"), 0.02,
    ),
    Reader("model template", "text", _file_of_model("chat_template.jinja"), _in_folder("chat_template.jinja"), 0.02),
    Reader("model weights", "safetensors", _file_of_model("model.safetensors"), _in_folder("model.safetensors"), 0.02),
    Reader("model index", "json", _index, _in_folder("model.safetensors.index.json"), 0.05),
)
