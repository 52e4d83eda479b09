"""Stateful imitations of helpdesks, for tests, the demo and a laptop: they hold tickets, obey the vendor's documented rules
and misbehave on demand. They are no part of a delivery: nothing in `sinks` outside this folder imports them."""
