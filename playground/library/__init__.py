"""What is kept on disk: vector sets, prompt sets, recipes."""
