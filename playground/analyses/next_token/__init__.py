"""KL and probabilities of the next token over multiples of a mix."""
