"""Floor 1: settings models, the YAML reader that names file, line and nearest key, and the shipped strategies."""
