"""The channel with the largest value."""
