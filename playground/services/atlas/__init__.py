"""An atlas: the leading singular vectors of every layer pair of a model, by sweeps that all pairs share."""

from playground.services.atlas import partial_file
from playground.services.atlas.request import AtlasRequest, atlas_request
from playground.services.atlas.run import AtlasProgress, AtlasResult, atlas

__all__ = ["AtlasProgress", "AtlasRequest", "AtlasResult", "atlas", "atlas_request", "partial_file"]
