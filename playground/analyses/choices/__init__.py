"""Analysis of choices: the log-odds of one answer over another, over scales, with random controls."""

from playground.analyses.analysis import Analysis, Column, Figure, Option, Quantity

ANALYSIS = Analysis(
    name="choices",
    label="Choices",
    summary="Which of two answers is likelier, item by item: the logit difference at the answer, over scales.",
    help=(
        "For every item of a choice set, the log-odds of the answer that shows the behaviour over the other",
        "one. Answers that differ in one token are compared by its logit, others by the log-probability of",
        "the whole answer. Means weigh items whose answer is (A) and items whose answer is (B) alike;",
        "intervals are 95 % bootstrap ones, over items.",
    ),
    asks="a choice set by name, or a file (json, jsonl, csv)",
    sets=("choices",),
    items_are="questions with two answers",
    asked="choices",
    request="playground.analyses.choices.request:MeasureRequest",
    run="playground.analyses.choices.run:measure",
    document="playground.analyses.choices.document",
    quantity=Quantity("mean logit difference / nats", "Mean logit difference in nats", "means", False, "+.2f"),
    columns=(
        Column("mean", head="mean", width=9, written="+.2f"),
        Column("low", head="95 % interval", width=20, written="+.2f"),
        Column("high", written="+.2f"),
        Column("share", head="share"),
        Column("kl", head="KL", width=9, written=".3f"),
    ),
    item_columns=("item", "letter", "by", "difference", "kl", "question", "matching", "other"),
    item_caption=": log-odds of the behaviour, in nats",
    figures=(
        Figure(
            "curves",
            "Logit difference",
            "Measure draws the mean logit difference of every vector here, beside random directions of equal norm.",
            axis="mean logit difference / nats",
            share=False,
        ),
        Figure(
            "curves",
            "Items on which the behaviour wins",
            "The share of items on which the behaviour's answer is the likelier one.",
            value="wins",
            axis="share of items",
        ),
        Figure(
            "items",
            "Items, scale by scale",
            "A violin a scale over single items: click a point to open its item.",
        ),
        Figure(
            "sets",
            "Items, set by set",
            "A violin a vector set, for its best vector, beside the best random direction.",
        ),
    ),
    leaderboard=True,
    shared=6,  # blocks up to the source, and what items have in common, are run once for all rows
    options=(
        Option(
            "--leaderboard",
            "also what every vector does to neutral prompts at its best scale, beside as many random directions "
            "(raises --controls to that); needs scales on both sides of 0",
            flag=True,
        ),
    ),
    place=1,
)
