"""Controls that several tabs use: vector and prompt pickers, linearity panel, search for scales."""
