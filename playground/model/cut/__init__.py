"""Layer cuts: a model run up to one layer once, and from there as often as there is something to add."""
