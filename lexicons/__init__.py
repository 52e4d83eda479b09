"""Floor 1: what is said. YAML by language, and beside it the compiler, the matcher and the judgement."""
