"""Local stand-ins for the other side of a listener: the channels' APIs, the engine's door, the clock.

They serve the tests and the demo, keep the contracts they stand for, and have tests of their own.
"""
