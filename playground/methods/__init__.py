"""Methods that find directions: a file or folder each, found by the registry in `base`."""
