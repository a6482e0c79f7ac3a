"""Readings without generation: next tokens, log-odds of answers, likelihoods of texts."""
