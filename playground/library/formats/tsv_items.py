"""Prompt sets as tab-separated values: CSV with tabs."""

from playground.library.formats import csv_items
from playground.library.formats.format import Format

FORMAT = Format(".tsv", "prompts", lambda text, name: csv_items.read(text, name, "\t"), place=5)
