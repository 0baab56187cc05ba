"""Place and route, and bitstreams."""
