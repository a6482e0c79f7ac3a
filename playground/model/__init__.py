"""Language models: loading, decoder blocks, steering hooks, layer slices, generation."""
