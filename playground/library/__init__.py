"""Files on disk: vector sets, prompt sets, recipes."""
