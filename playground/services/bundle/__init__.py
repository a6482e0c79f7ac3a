"""Static bundles: scans, measurements, vector sets and evidence as one HTML page in a folder, without a server."""

from playground.services.bundle.read import part_of
from playground.services.bundle.write import archive, write

__all__ = ["archive", "part_of", "write"]
