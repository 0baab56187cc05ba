"""Mapping to the cells of a part, and how fast these are."""
