"""One module a command; thin: they read options, call the floors below, and print."""
