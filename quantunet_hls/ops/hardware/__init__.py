"""Hardware that several operators share: components with ready/valid streams, written in Amaranth."""
