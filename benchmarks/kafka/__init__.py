"""The production engine beside others, on one broker in one run."""
