"""Finding directions: request, progress events and result, a vector set with its origin."""

from playground.methods.base.progress import FindProgress, FindResult
from playground.methods.base.request import FindRequest, find_request
from playground.services.find.run import find, suggest_name
from playground.services.find.with_scales import find_with_scales

__all__ = ["FindProgress", "FindRequest", "FindResult", "find", "find_request", "find_with_scales", "suggest_name"]
