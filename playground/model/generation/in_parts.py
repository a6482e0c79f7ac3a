"""Generation in smaller batches, one after another, when the memory does not hold all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playground.core.edit import Edit
from playground.core.positions import Positions
from playground.errors import ModelError
from playground.model.cut.memory import smaller_batch
from playground.model.generation.generate import Generation, Sampling, Step, generate, row_samples
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded


def generate_in_parts(
    loaded: LoadedModel,
    prompts: Encoded,
    pushes: Sequence[Sequence[Edit]],
    positions: Positions = "all",
    sampling: Sampling | None = None,
    on_step: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    samples: Sequence[int] | None = None,
) -> Generation:
    """`generate`, with half as many rows at a time whenever memory runs out.

    `on_step` then gets steps that begin anew with each part, with the texts of all rows so far. Raises what `generate`
    raises; ModelError for memory when not even one row fits.
    """
    count, begin, size = len(pushes), 0, len(pushes)
    numbers = row_samples(prompts, pushes) if samples is None else samples
    parts: list[Generation] = []
    while not parts or begin < count:
        part = slice(begin, begin + size)
        before = [text for done in parts for text in done.texts]
        tell = None if on_step is None else _told_whole(on_step, before, count)
        try:
            done = generate(
                loaded, prompts.take(range(count)[part]), pushes[part], positions, sampling, tell, cancelled,
                numbers[part],
            )  # fmt: skip
        except ModelError as error:
            size = smaller_batch(len(pushes[part]), error)
            continue
        parts.append(done)
        begin += size
    return parts[0] if len(parts) == 1 else _joined(parts)


def _told_whole(
    on_step: Callable[[Step], None], before: Sequence[str], count: int
) -> Callable[[Step], None]:
    """A listener to the steps of some rows that passes on steps of all `count`, with the texts `before` them."""

    def tell(step: Step) -> None:
        after = count - len(before) - len(step.texts)
        ids = (*[None] * len(before), *step.token_ids, *[None] * after)
        on_step(Step(step.index, ids, (*before, *step.texts, *[""] * after)))

    return tell


def _joined(parts: Sequence[Generation]) -> Generation:
    seconds = sum(part.seconds for part in parts)
    tokens = tuple(row for part in parts for row in part.token_ids)
    count = sum(map(len, tokens))
    return Generation(
        token_ids=tokens,
        texts=tuple(text for part in parts for text in part.texts),
        finished=tuple(one for part in parts for one in part.finished),
        overflowed=tuple(one for part in parts for one in part.overflowed),
        cancelled=any(part.cancelled for part in parts),
        seconds=seconds,
        tokens_per_second=count / seconds if count else 0.0,
    )
