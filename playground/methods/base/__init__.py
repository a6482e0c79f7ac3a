"""The seam of methods: description, settings' metadata, registry, request, progress, and the context of a run."""
