"""Analyses: ways to look at what directions do, one file or folder each."""
