"""Evidence: repeatable experiments on a model in five stages, and the page of their results."""
