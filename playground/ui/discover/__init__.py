"""The Discover tab: choose a method, prompts and layers, watch it converge, look at what was found, and save it."""

from playground.ui.discover.tab import build, library_outputs, library_updates, model_updates, outputs

__all__ = ["build", "library_outputs", "library_updates", "model_updates", "outputs"]
