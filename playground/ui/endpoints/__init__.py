"""Named endpoints for other programs: load, find, generate, measure, scan, atlas; over HTTP, with --mcp over MCP."""

from playground.ui.endpoints.build import ENDPOINTS, build

__all__ = ["ENDPOINTS", "build"]
