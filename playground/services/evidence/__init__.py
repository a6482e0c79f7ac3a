"""Evidence on real weights: experiments that can be repeated, and the page they are written to."""
