"""The lists of single words that say how something is said, and their bits. A lexicon fills them (format.Cues)."""

CUES = (
    "question", "first_person", "address", "polite", "thanks", "praise", "anger", "time", "pressure", "fault", "negation",
    "news", "smile",
)  # fmt: skip
CUE_BITS = {name: 1 << place for place, name in enumerate(CUES)}
