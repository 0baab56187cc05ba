"""Tests of the operator ``padding``."""
