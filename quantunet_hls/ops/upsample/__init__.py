"""Every pixel repeated."""
