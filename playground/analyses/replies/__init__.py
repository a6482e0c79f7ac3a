"""Shares of generated replies that match a pattern or give an answer, over scales."""
