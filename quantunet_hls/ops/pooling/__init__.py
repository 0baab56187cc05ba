"""Largest or mean value under windows."""
