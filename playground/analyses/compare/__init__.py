"""Comparison of vector sets: cosines, principal angles, spectra."""
