"""The demo: one day of an invented telecom brand, played through the real listeners against local imitations."""
