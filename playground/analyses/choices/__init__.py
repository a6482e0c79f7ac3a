"""Choices over scales, beside random directions."""
