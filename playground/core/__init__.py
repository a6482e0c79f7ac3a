"""Mathematics of steering vectors; imports torch and the standard library only."""
