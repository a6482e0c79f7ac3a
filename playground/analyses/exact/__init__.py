"""Accuracy on questions with an exact answer, over scales."""
