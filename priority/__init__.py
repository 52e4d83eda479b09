"""Floor 2: how urgent it is. Factors, strategy, score, due time, explanation: pure functions."""
