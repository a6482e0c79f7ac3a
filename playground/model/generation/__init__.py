"""Text generation: batches, sampling, text as it comes."""
