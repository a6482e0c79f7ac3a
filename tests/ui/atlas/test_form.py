"""ui/atlas/form.py: values of the controls become the request of an atlas."""

from __future__ import annotations

import pytest

from playground.errors import InputError
from playground.ui.atlas.form import AtlasForm
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import prompt_source


def form(**changes) -> AtlasForm:
    values = {
        "kind": prompt_source.TYPED, "set_name": None, "typed": "one\ntwo", "use": 1, "order": prompt_source.FIRST,
        "draw_seed": 0, "category": None, "mode": "chat", "system": "", "vectors": 3, "tokens": 2, "step": 2,
    }  # fmt: skip
    return AtlasForm.of(list((values | changes).values()))


def test_the_request_has_what_was_entered(tiny):
    asked = form(system=" Be kind. ").request(tiny("qwen3"), Visitor("a"))
    assert asked.find.prompts == ("one",)
    assert (asked.find.k, asked.find.last_tokens, asked.step) == (3, 2, 2)
    assert (asked.find.format.chat, asked.find.format.system) == (True, "Be kind.")


def test_plain_text_has_no_system_prompt_whatever_its_field_still_says(tiny):
    asked = form(mode="raw", system="Be kind.").request(tiny("qwen3"), Visitor("a"))
    assert (asked.find.format.chat, asked.find.format.system) == (False, None)


def test_what_is_no_number_is_refused_in_a_sentence(tiny):
    with pytest.raises(InputError, match="vectors of each pair"):
        form(vectors=None).request(tiny("qwen3"), Visitor("a"))
