"""ui/library/band_panel.py, band_result.py: bands that are proposed, the request of the form, and the page's result."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.cli import band as command_line
from playground.cli.main import build_parser
from playground.errors import InputError
from playground.library.prompts import built_in
from playground.library.store import open_set
from playground.model.load import load
from playground.model.prompting import PromptFormat
from playground.services.band import search_band
from playground.services.command import band_command
from playground.services.set_prompts import format_of
from playground.ui.library.band_panel import BandForm
from playground.ui.library.band_result import proposals, result_html, usual_rows

SHIPPED = open_set("organism-refusals-power-3-9")
FORM = BandForm("7-11", 0.3, 32, "KL of the next token", "", "organism-comply-choices", "")


def test_bands_are_proposed_with_their_singular_values():
    html = proposals(SHIPPED)
    assert 'data-act="band" data-name="7-11">rows 7-11 · σ 2.55 to 2.25</button>' in html
    assert usual_rows(SHIPPED) == "7-11"
    apart = replace(SHIPPED, singular_values=2.0 ** -torch.arange(12))
    assert "no rows with σ within 5%" in proposals(apart)
    assert "no σ" in proposals(replace(SHIPPED, singular_values=None))
    assert usual_rows(apart) == "0-3"


def test_the_form_makes_the_request_of_its_target():
    kl = FORM.request(SHIPPED)
    assert (kl.rows, kl.target, kl.word, kl.scale, kl.budget) == ((7, 8, 9, 10, 11), "kl", None, 0.3, 32)
    assert kl.search.texts() == SHIPPED.origin.prompts
    assert kl.format == format_of(SHIPPED.origin)
    word = replace(FORM, target="a word", word="class", prompts="organism-requests").request(SHIPPED)
    assert (word.target, word.word, word.search.name) == ("word", "class", "organism-requests")
    choices = replace(FORM, target="answers of a choice set", word="not read").request(SHIPPED)
    assert (choices.target, choices.word, choices.search.kind) == ("choices", None, "choices")
    assert choices.format == PromptFormat.of_set(built_in()["organism-comply-choices"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": "3"}, "at least two rows"),
        ({"rows": "3-40"}, "from 0 to 11"),
        ({"target": "gain"}, "one of the targets"),
        ({"target": "a word"}, "a continuation"),
        ({"target": "answers of a choice set", "choices": None}, "Expected a choice set"),
        ({"prompts": "../secret"}, "a prompt set of the list"),
        ({"budget": 8}, "directions to try"),
        ({"scale": None}, "a number for relative scale"),
    ],
)
def test_what_makes_no_request_is_refused_in_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as refused:
        replace(FORM, **changes).request(SHIPPED)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target": "a word", "word": "-- it’s"},
        {"target": "a word", "word": "class", "prompts": "organism-requests", "rows": "0,3-5"},
        {"target": "answers of a choice set", "scale": 0.125},
    ],
)
def test_the_command_that_the_page_shows_makes_the_same_request(changes):
    import shlex

    form, loaded = replace(FORM, **changes), load()
    request = form.request(SHIPPED)
    words = shlex.split(band_command(request, loaded, form.named, "found.safetensors"))
    options = build_parser(words[3]).parse_args(words[3:])
    rows = command_line._rows(options, SHIPPED)
    asked = command_line._request(options, SHIPPED, rows, *command_line._prompts(options, SHIPPED), 0.1)
    for name in ("rows", "target", "word", "scale", "budget", "seed", "search", "held_out", "format", "tokens"):
        assert getattr(asked, name) == getattr(request, name), name


def test_the_result_stands_beside_random_the_best_row_and_no_push_and_texts_are_escaped():
    request = replace(FORM, rows="10-11").request(SHIPPED)
    request = replace(request, search=replace(request.search, items=request.search.items[:1]), budget=16, tokens=4)
    result = search_band(load(), request)
    result = replace(result, found=replace(result.found, text="<b>bold</b>", noise=True))
    html = result_html(result)
    for name in ("found", "best random", f"row {result.row}", "no push"):
        assert f'<th scope="row">{name}' in html
    assert "held out, 16" in html
    assert "&lt;b&gt;bold" in html.replace('<mark class="sp-changed">', "").replace("</mark>", "")
    assert html.count('class="sp-flag"') >= 1
    assert "as many random directions of the span (16)" in html
