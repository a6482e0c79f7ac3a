"""Formats of files: prompt sets, vector sets and tables, a file each."""
