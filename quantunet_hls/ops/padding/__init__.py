"""Zeros around the image."""
