"""What another lexicon would do to the queue: recorded mentions judged by both, their tickets derived by both, and compared."""
