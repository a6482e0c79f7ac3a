"""Search inside a band: the best direction of the span of rows whose singular values are nearly equal."""

from playground.services.band.request import BandRequest, band_of, bands_of, dealt, own_prompts
from playground.services.band.run import BandProgress, BandResult, Judged, search_band

__all__ = [
    "BandProgress", "BandRequest", "BandResult", "Judged", "band_of", "bands_of", "dealt", "own_prompts", "search_band",
]  # fmt: skip
