"""The channels of all sources, in order."""
