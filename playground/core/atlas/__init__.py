"""The leading singular vectors of every layer pair's Jacobian at once, by sweeps that all pairs share."""
