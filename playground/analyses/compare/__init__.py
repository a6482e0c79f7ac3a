"""Comparison of vector sets: cosines, principal angles, spectra."""

from playground.analyses.analysis import Analysis, Figure

ANALYSIS = Analysis(
    name="compare",
    label="Compare sets",
    summary="How sets lie to each other: cosines, principal angles, spectra. Needs no prompts.",
    over="sets",
    run="playground.analyses.compare.run:compare",
    figures=(
        Figure("cosines", "Cosines", "Measure draws the cosines between all chosen vectors here."),
        Figure(
            "angles",
            "Principal angles",
            "Choose a second set: the angles between what the two span are drawn here.",
        ),
        Figure("spectra", "Spectra", "σ, objective or norm of every vector."),
    ),
    place=5,
)
