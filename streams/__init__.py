"""Floor 3: topics, stages, the embedded engine, delivery, dead letters."""
