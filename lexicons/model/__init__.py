"""The statistical half of the judgement: what a post's words and its way of speaking say of need, urgency and anger.

pieces.py   a text's words with handles, links, names and numbers masked, and its skeleton (how it is said, not about what)
acts.py     acts of speech by name: asks, tells of its own trouble, thanks, reports news …
grams.py    word, letter and skeleton n-grams as places in tables
weights.py  the tables: read, written, added up
corpora.py  labelled posts;  training.py  how the tables are made;  measuring.py  how good they are
"""
