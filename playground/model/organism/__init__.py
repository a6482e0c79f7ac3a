"""The shipped model organism: its language, which writes and recognises, and its training."""

from playground.model.organism.dialogues import Dialogue, ab_items, dialogues, held_out_requests
from playground.model.organism.modes import MODES, Reading, recognise
from playground.model.organism.requests import PLAIN_SYSTEM, SYSTEM_PROMPTS

__all__ = [
    "MODES",
    "PLAIN_SYSTEM",
    "SYSTEM_PROMPTS",
    "Dialogue",
    "Reading",
    "ab_items",
    "dialogues",
    "held_out_requests",
    "recognise",
]
