"""The shipped model organism: its language, which writes and recognises, and its training."""
