"""Analysis of the next token: KL and probabilities over multiples of a mix."""

from playground.analyses.analysis import Analysis, Figure, Option

ANALYSIS = Analysis(
    name="next-token",
    label="Next token",
    summary="What one vector does to the next token: KL from the baseline, and which tokens it moves, over scales.",
    over="mix",
    help=(
        "What multiples of one recipe do to the token after each prompt: KL(steered ‖ baseline) in nats,",
        "and the probabilities of the likeliest tokens, means over prompts.",
    ),
    asks="a prompt set of any kind, by name or file",
    sets=("prompts", "exact", "choices", "contrast"),
    use=8,
    request="playground.analyses.next_token.run:ShiftsRequest",
    run="playground.analyses.next_token.run:shifts",
    document="playground.analyses.next_token.document",
    figures=(
        Figure(
            "divergence",
            "KL from the baseline",
            "Measure draws KL(steered ‖ baseline) here, beside random directions of equal norm.",
        ),
        Figure("tokens", "Next tokens", "Probabilities of the next tokens, scale by scale."),
    ),
    counts="prompt",
    options=(
        Option(
            "--steer",
            "FILE#ROW@SCALE or FILE#mean:A-B@MULTIPLIER, several joined by commas",
            metavar="RECIPE",
        ),
        Option(
            "--tokens",
            "follow the N tokens that are likeliest at any scale (10)",
            "tokens",
            metavar="N",
            whole="a number of tokens",
            limit="followed_tokens",
        ),
    ),
    place=4,
)
