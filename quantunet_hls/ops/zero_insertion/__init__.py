"""Zeros between the pixels."""
