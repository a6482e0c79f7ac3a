"""Analysis of exact answers: accuracy on questions with a numeric answer, over scales."""

from playground.analyses.analysis import Analysis, Column, Figure, Quantity

ANALYSIS = Analysis(
    name="exact",
    label="Exact answers",
    summary="How often the reply ends in the right number: accuracy of generated answers, over scales.",
    help=("How often the reply to a question ends in the right number, with 95 % intervals (Wilson).",),
    asks="questions with a number for an answer, by name or file",
    sets=("exact",),
    items_are="questions with a number for an answer",
    asked="questions",
    request="playground.analyses.exact.run:ExactRequest",
    run="playground.analyses.exact.run:exact",
    document="playground.analyses.exact.document",
    quantity=Quantity("part of right answers", "Part of right answers", "share of right answers"),
    columns=(
        Column("share", "accuracy", "right"),
        Column("low", head="95 % interval", width=18),
        Column("high"),
        Column("silent", "without a number", "no number", width=11),
    ),
    item_columns=("item", "right", "question", "answer", "reply"),
    item_titles=("question", "answer", "baseline", "here"),
    figures=(
        Figure(
            "curves",
            "Accuracy",
            "Measure draws the part of right answers here, beside random directions of equal norm.",
            axis="part of right answers",
        ),
    ),
    generates=True,
    counts="text",
    place=2,
)
