"""The endpoint `generate`: texts with and without recipes."""

from __future__ import annotations

from collections.abc import Iterator

from playground.library.recipe import parse
from playground.limits import check_characters, limits
from playground.model.conversation import parse as parse_turn
from playground.model.generation.sampling import Sampling
from playground.services.estimates import learn, work_of_generate
from playground.services.generate import GenerateRequest, facts
from playground.services.generate import generate as generate_texts
from playground.ui.endpoints.arguments import format_of
from playground.ui.endpoints.call import Answer, Call, ended, states


def generate(
    call: Call,
    prompts: list[str],
    recipes: list[str] | None = None,
    positions: str = "all",
    chat: bool = True,
    system: str | None = None,
    thinking: bool = False,
    turns: list[str] | None = None,
    baseline: bool = True,
    random_controls: int = 0,
    samples: int = 1,
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[Answer]:
    """Generate texts for every prompt, without steering and with every recipe, as `python -m playground generate` does.

    A recipe is NAME#ROW@SCALE: row ROW (from 0) of the set NAME, added with norm SCALE, or with a unit 1f (times its
    found scale), 0.2r (times the reference norm); NAME#mean:A-B@X adds an average of rows;
    NAME#ROW@ablate takes the component along a row out, NAME#ROW@cap=X keeps it at X at most; commas join several.

    Parameters:
        prompts: Prompts as texts.
        recipes: What is added, one recipe for each text.
        positions: Tokens at which it is added: all, prompt, last, generated or first-N.
        chat: Whether prompts are put into the chat template.
        system: System prompt of the chat template; null the template's own.
        thinking: Let a model that can think do so.
        turns: What was said before, "user: TEXT" and "assistant: TEXT" by turns.
        baseline: Whether there are texts without steering too.
        random_controls: Texts with so many random directions of equal norm beside each recipe.
        samples: Texts for each prompt and recipe.
        max_new_tokens: At most so many tokens a text.
        temperature: 0 is greedy.
        top_p: Draw among the likeliest tokens that make up this probability.
        seed: Seed of the draws and of random directions.

    Returns:
        An object: state, warnings, and what `generate --json` prints; rows have recipe, prompt, text and token_ids.
    """
    for text in recipes or ():
        check_characters("a recipe", text, limits().list_characters)
    request = GenerateRequest(
        prompts=tuple(prompts),
        format=format_of(None, chat, system, thinking=thinking, turns=tuple(parse_turn(text) for text in turns or ())),
        recipes=tuple(parse(text) for text in recipes or ()),
        positions=positions,
        sampling=Sampling(max_new_tokens, temperature, top_p, seed),
        samples=samples,
        baseline=baseline,
        controls=random_controls,
    )
    loaded = call.loaded
    for recipe in request.recipes:
        for source in recipe.sources:
            call.load(source)  # a name that is wrong is told before the queue
    job = call.start(
        "generating",
        lambda model, context: generate_texts(model, request, call.load, context.emit, context.cancelled),
    )
    yield from states(job)
    result = job.result()
    if not result.cancelled:
        work = work_of_generate(loaded, request.prompts, request.format, request.rows, max_new_tokens)
        learn(loaded, work, result.seconds)
    yield ended(result.cancelled, {"warnings": list(result.warnings), **facts(loaded.name, request, result)})
