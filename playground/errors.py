"""The one family of errors a user is meant to read.

The page shows such an error beside the control that caused it, the command line prints it on one line and exits with
status 2. Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations


class PlaygroundError(Exception):
    """Something the user can mend: one sentence with what was expected, what came, and what to do."""


class ModelError(PlaygroundError):
    """A model cannot be found, read, placed or used as a causal decoder."""


class InputError(PlaygroundError):
    """A value from the page, the command line or a request is out of range or not what it claims to be."""


class FileError(PlaygroundError):
    """A file is missing, damaged, of an unknown version, or belongs to another model."""


class Cancelled(Exception):
    """A job was stopped before it had anything to return. Not an error; never shown as one."""
