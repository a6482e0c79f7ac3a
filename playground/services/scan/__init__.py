"""Scan: texts for a grid of vectors, scales and prompts, measurements of each, and groups of similar texts."""

from playground.services.scan.cell import Cell, Group, ScanResult
from playground.services.scan.request import ScanRequest
from playground.services.scan.run import ScanProgress, scan

__all__ = ["Cell", "Group", "ScanProgress", "ScanRequest", "ScanResult", "scan"]
