"""Floor 2: one module a channel, three base loops (stream, poll, push). Listeners hear; they judge nothing."""
