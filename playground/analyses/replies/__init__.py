"""Analysis of replies: shares of generated texts that match a pattern or give an answer, over scales."""

from playground.analyses.analysis import Analysis, Figure, Option, Quantity
from playground.library import reply_patterns

ANALYSIS = Analysis(
    name="replies",
    label="Replies",
    summary=(
        "What generated replies say: which of two answers they give, or which patterns they match, over scales."
    ),
    help=(
        "What generated replies say: the share that matches each --pattern, or, for choice items, the share",
        "that gives the answer showing the behaviour, gives the other one, or is unclear; 95 % intervals",
        "(Wilson).",
    ),
    asks="prompts, choice items or questions, by name or file; texts are generated",
    sets=("prompts", "choices", "exact"),
    first_of="choices",  # their answers need no pattern
    items_are="prompts or questions",
    use=12,
    request="playground.analyses.replies.run:RepliesRequest",
    run="playground.analyses.replies.run:replies",
    document="playground.analyses.replies.document",
    quantity=Quantity("share of replies", "Share of replies in the first group", "share of replies"),
    item_columns=("item", "sample", "groups", "question", "reply"),
    figures=(
        Figure(
            "curves",
            "Replies",
            "Measure draws here how many replies give the behaviour's answer, or match the first pattern.",
            axis="share of replies",
        ),
        Figure(
            "groups",
            "Replies by group",
            "The share of every group of replies, for the vector that is looked at.",
            axis="share of replies",
        ),
    ),
    generates=True,
    counts="text",
    options=(
        Option(
            "--pattern",
            "a regular expression that replies are searched for, and its name, such as polite='(?i)please|thank'; "
            "may be given several times; none for choice items: the two answers are looked for",
            "patterns",
            metavar="NAME=REGEX",
            several=True,
            read=reply_patterns.parse,
            said=lambda pattern: f"{pattern.name}={pattern.regex}",
        ),
        Option(
            "--samples",
            "replies drawn for each item (1)",
            "samples",
            metavar="N",
            whole="a number of samples",
            limit="samples",
            usual=1,
        ),
    ),
    place=3,
)
