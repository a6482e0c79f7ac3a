"""Found scales: for each row and sign of a vector set, where its text begins to change and where it breaks."""

from playground.services.scales.run import Look, ScalesProgress, ScalesRequest, find_scales

__all__ = ["Look", "ScalesProgress", "ScalesRequest", "find_scales"]
