"""Tests of the operator ``depth_to_space``."""
