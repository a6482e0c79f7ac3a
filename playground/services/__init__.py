"""Use cases: a request in, events out, a result at the end."""
