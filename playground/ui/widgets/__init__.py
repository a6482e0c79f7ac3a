"""Controls that several tabs use: pickers of vectors and of prompts, linearity, the search for scales."""
