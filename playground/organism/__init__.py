"""The shipped model organism: its language, which writes and recognises, and its training."""

from playground.organism.dialogues import Dialogue, ab_items, dialogues, held_out_requests
from playground.organism.modes import MODES, Reading, recognise
from playground.organism.requests import PLAIN_SYSTEM, SYSTEM_PROMPTS

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
