"""Scanning: a grid of texts, what is measured of each of them, and which of them say alike."""

from playground.services.scan.cell import Cell, Group, ScanResult
from playground.services.scan.request import ScanRequest
from playground.services.scan.run import ScanProgress, scan

__all__ = ["Cell", "Group", "ScanProgress", "ScanRequest", "ScanResult", "scan"]
