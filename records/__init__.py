"""Floor 0: the nouns on the topics, as frozen msgspec Structs, and their codec. No rule, no clock, no network."""
