"""Finding directions: a request, progress while it is worked on, and a vector set that says where it comes from."""

from playground.services.find.progress import FindProgress, FindResult
from playground.services.find.request import METHODS, FindRequest
from playground.services.find.run import find, suggest_name

__all__ = ["METHODS", "FindProgress", "FindRequest", "FindResult", "find", "suggest_name"]
