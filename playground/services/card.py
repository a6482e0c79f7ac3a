"""Cards to show a finding to others: prompt, both texts, scale, model and command, as Markdown and as a PNG picture."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from playground.core.positions import said
from playground.errors import InputError
from playground.library.mix import LoadSet
from playground.library.recipe import Component, component_norm
from playground.model.load import LoadedModel
from playground.services.changed import pieces
from playground.services.generate import GenerateRequest, GenerateResult

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont


@dataclass(frozen=True)
class Card:
    """`added`: a line a component of the mix, with its scale; `how`: format, positions and sampling; `link` may be "".
    Without a mix `steered` is None.
    """

    model: str
    prompt: str
    baseline: str
    steered: str | None
    added: tuple[str, ...]
    how: str
    command: str
    link: str = ""


def card(
    loaded: LoadedModel,
    model: str,
    request: GenerateRequest,
    result: GenerateResult,
    load_set: LoadSet,
    command: str,
    link: str = "",
) -> Card:
    """The card of the first sample of a generation. `model` is what others call the model. Raises InputError for a
    result without the baseline, and what `load_set` raises.
    """
    texts: dict[str, str] = {}
    for row in result.rows:
        texts.setdefault(row.recipe, row.text)
    if "" not in texts:
        raise InputError("Expected texts with the baseline among them, got none; press Generate first.")
    steered = next((text for recipe, text in texts.items() if recipe), None)
    added = []
    for part in request.recipes[0].components if request.recipes else ():
        vector_set = load_set(part.source)
        norm = component_norm(part, vector_set)
        rows = f"vector {vector_set.label(part.row)}" if part.row is not None else _several(part)
        sign = "−" if part.amount < 0 else ""
        relative = norm / vector_set.origin.residual_norm
        name = Path(part.source).name
        done = "ablated" if part.operation == "ablate" else (
            f"{_DONE[part.operation]} {sign}{_three(norm)} ({sign}{_three(relative)} r)"
        )
        added.append(f"{name} · {rows} · {done} at {_blocks(part.layers(vector_set.origin.source))}")
    sampling = request.sampling
    how = ["chat" if request.format.chat else "plain text"]
    how += [f"system prompt “{request.format.system}”"] if request.format.system else []
    how += [f"{len(request.format.turns)} turns before it"] if request.format.turns else []
    how += [f"added at {said(request.positions)}{'' if request.positions == 'all' else ' only'}"]
    how += ["greedy" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}, seed {sampling.seed}"]
    return Card(
        f"{model} · {loaded.block_count} blocks · d {loaded.width} · {str(loaded.dtype).removeprefix('torch.')}",
        request.prompts[0], texts[""], steered, tuple(added), " · ".join(how), command, link,
    )  # fmt: skip


def _three(value: float) -> str:
    """Three digits."""
    return f"{value:#.3g}".rstrip(".")


_DONE = {"add": "scale", "cap": "capped at", "floor": "kept from"}


def _several(part: Component) -> str:
    what, rows = ("average", part.mean) if part.mean is not None else ("span", part.span)
    assert rows is not None  # a component has a row, a mean or a span
    return f"{what} of vectors {rows[0]} to {rows[1] - 1}"


def markdown(shown: Card) -> str:
    """The card as Markdown; texts stand in fences, so that nothing in them is markup."""
    parts = [f"**Steering Playground** · {_inline(shown.model)}", "**Prompt**", _fenced(shown.prompt)]
    parts += ["**Baseline**", _fenced(shown.baseline or "(ends at once)")]
    if shown.steered is not None:
        parts += ["**Steered**", _fenced(shown.steered or "(ends at once)")]
    parts += ["**Added**", "\n".join(f"- {_inline(line)}" for line in shown.added or ("nothing",))]
    parts += [_inline(shown.how), "**Repeat this**", _fenced(shown.command, "sh")]
    parts += [f"<{shown.link}>"] if shown.link else []
    return "\n\n".join(parts) + "\n"


def _fenced(text: str, language: str = "") -> str:
    longest = max([len(run) for run in re.findall("`+", text)] + [2])
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _inline(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#&|~])", r"\\\1", " ".join(text.split()))


WIDTH, MARGIN, GAP = 1200, 48, 32
MOST_LINES = 26
"""Lines of one text; a longer one ends in an ellipsis, and the Markdown has all of it."""
_DRAWN = 6_000
"""Characters of a text that are looked at: more than MOST_LINES hold."""
INK, FAINT, RULE = "#1b2430", "#5a6473", "#dde1e7"
BASELINE, STEERED = "#5a6473", "#0b7a5e"
_SANS = ("IBMPlexSans/IBMPlexSans-Regular", "IBMPlexSans/IBMPlexSans-Bold")
_MONO = ("IBMPlexMono/IBMPlexMono-Regular",)
_WIDER = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "NotoSans-Regular.ttf")
"""Fonts of the machine, for characters that Gradio's lack."""
_CONTROL = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)  # fmt: skip
_BOX = "\u25a1"


@dataclass
class _Pen:
    """Draws lines downwards; `missing` are the characters that no font here has."""

    draw: ImageDraw.ImageDraw
    y: int
    missing: set[str]

    def lines(
        self, lines: Sequence[Sequence[tuple[str, str]]], x: int, fonts: Sequence[ImageFont.FreeTypeFont], step: int
    ) -> None:
        """Draw lines of (text, colour) runs, and go down by their height."""
        for line in lines:
            at = float(x)
            for text, colour in line:
                for piece, font in _in_fonts(text, fonts, self.missing):
                    self.draw.text((at, self.y + step * 0.78), piece, fill=colour, font=font, anchor="ls")
                    at += font.getlength(piece)
            self.y += step


def png(shown: Card) -> bytes:
    """The card as a PNG picture, dark on white, 1200 pixels wide. Characters that no font has become boxes."""
    from PIL import Image, ImageDraw

    # Comparing and measuring what is not drawn would take seconds.
    shown = replace(
        shown, prompt=shown.prompt[:_DRAWN], baseline=shown.baseline[:_DRAWN], command=shown.command[:_DRAWN],
        steered=None if shown.steered is None else shown.steered[:_DRAWN],
    )  # fmt: skip
    # Twice: the first time only to know the height.
    height = 100
    for _ in range(2):
        image = Image.new("RGB", (WIDTH, height), "white")
        pen = _Pen(ImageDraw.Draw(image), 0, set())
        _draw(pen, shown)
        height = pen.y
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return made.getvalue()


def _draw(pen: _Pen, shown: Card) -> None:
    sans, bold, mono, small = _fonts(_SANS[0], 17), _fonts(_SANS[1], 19), _fonts(_MONO[0], 18), _fonts(_MONO[0], 15)
    whole = WIDTH - 2 * MARGIN
    pen.y = 36
    pen.lines([[(shown.model, FAINT)]], MARGIN, sans, 28)
    pen.y += 10
    pen.lines(_wrapped([(shown.prompt, INK)], whole, bold, pen.missing, 8), MARGIN, bold, 28)
    pen.y += 16
    pen.draw.line((MARGIN, pen.y, WIDTH - MARGIN, pen.y), fill=RULE, width=2)
    pen.y += 18
    columns = [("Baseline", BASELINE, [(shown.baseline or "(ends at once)", INK)])]
    if shown.steered is not None:
        changed = [(text, STEERED if differs else INK) for text, differs in pieces(shown.baseline, shown.steered)]
        columns.append(("Steered", STEERED, changed or [("(ends at once)", INK)]))
    wide, top, bottom = (whole - GAP * (len(columns) - 1)) // len(columns), pen.y, pen.y
    for number, (title, colour, runs) in enumerate(columns):
        x, pen.y = MARGIN + number * (wide + GAP), top
        pen.lines([[(title, colour)]], x, bold, 32)
        pen.lines(_wrapped(runs, wide, mono, pen.missing, MOST_LINES), x, mono, 27)
        bottom = max(bottom, pen.y)
    pen.y = bottom + 20
    pen.draw.line((MARGIN, pen.y, WIDTH - MARGIN, pen.y), fill=RULE, width=2)
    pen.y += 16
    for line in shown.added or ("nothing is added",):
        pen.lines(_wrapped([(line, INK)], whole, sans, pen.missing, 2), MARGIN, sans, 25)
    pen.lines(_wrapped([(shown.how, FAINT)], whole, sans, pen.missing, 3), MARGIN, sans, 25)
    pen.y += 8
    pen.lines(_wrapped([(shown.command, FAINT)], whole, small, pen.missing, 6), MARGIN, small, 22)
    if pen.missing:
        note = f"{_BOX}: {len(pen.missing)} characters that no font here has; the Markdown has them."
        pen.lines([[(note, FAINT)]], MARGIN, sans, 25)
    pen.y += 36


def _wrapped(
    runs: Sequence[tuple[str, str]], width: int, fonts: Sequence[ImageFont.FreeTypeFont], missing: set[str], most: int
) -> list[list[tuple[str, str]]]:
    """Runs of (text, colour) as lines of at most `width` pixels, broken between words, in long words anywhere."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for text, colour in _words(runs):
        if text == "\n":
            lines.append([])
            used = 0.0
        for piece in () if text == "\n" else _fitting(text, width, fonts):
            length = _length(piece, fonts)
            if used + length > width and used > 0:
                lines.append([])
                used = 0.0
                if piece.isspace():
                    continue
            lines[-1].append((piece, colour))
            used += length
        if len(lines) > most:
            return [*lines[: most - 1], [("…", FAINT)]]
    while len(lines) > 1 and not "".join(part for part, _ in lines[-1]).strip():
        lines.pop()
    return lines


def _words(runs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for text, colour in runs:
        plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\t", "    "))
        yield from ((word, colour) for word in re.findall(r"\n|[^\S\n]+|\S+", plain))


def _fitting(word: str, width: int, fonts: Sequence[ImageFont.FreeTypeFont]) -> Iterator[str]:
    """A word, in parts where it is longer than a line."""
    part, used = "", 0.0
    for character in word:
        length = _advance(character, tuple(fonts))
        if part and used + length > width:
            yield part
            part, used = "", 0.0
        part, used = part + character, used + length
    yield part


def _length(text: str, fonts: Sequence[ImageFont.FreeTypeFont]) -> float:
    return sum(_advance(character, tuple(fonts)) for character in text)


@lru_cache(maxsize=20_000)
def _advance(character: str, fonts: tuple[ImageFont.FreeTypeFont, ...]) -> float:
    return sum(font.getlength(piece) for piece, font in _in_fonts(character, fonts, set()))


def _in_fonts(
    text: str, fonts: Sequence[ImageFont.FreeTypeFont], missing: set[str]
) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    """Parts of a text, each in the first font that has all of its characters."""
    run, last = "", fonts[0]
    for character in text:
        font = next((font for font in fonts if _has(font, character)), None)
        if font is None:
            missing.add(character)
            character, font = _BOX, next((font for font in fonts if _has(font, _BOX)), fonts[-1])
        if font is not last and run:
            yield run, last
            run = ""
        run, last = run + character, font
    if run:
        yield run, last


@lru_cache(maxsize=20_000)
def _has(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether a font draws a character, and not its sign for none."""
    if character.isspace():
        return True
    drawn, none = (font.getmask(each) for each in (character, "\U0010fffe"))
    return drawn.size != none.size or bytes(drawn) != bytes(none)


@lru_cache(maxsize=8)
def _fonts(name: str, size: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """Gradio's font of this name, then fonts of the machine, then Pillow's own."""
    from PIL import ImageFont

    gradio = importlib.util.find_spec("gradio")
    folder = Path(str(gradio.origin)).parent / "templates/frontend/static/fonts" if gradio else Path()
    found = []
    for path in (str(folder / f"{name}.woff2"), *_WIDER):
        try:
            found.append(ImageFont.truetype(path, size))
        except OSError:  # not on this machine, or Pillow cannot read its compression
            continue
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    return (*found, own)


def _blocks(layers: range) -> str:
    return f"block {layers[0]}" if len(layers) == 1 else f"blocks {layers[0]} to {layers[-1]}"
