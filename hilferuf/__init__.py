"""Floor 4: the front door. Command line and wiring; it holds no rules."""

__version__ = "0.1.0"
