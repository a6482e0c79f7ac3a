"""Operations of the playground: each takes a request, emits progress events and returns a result."""
