"""How parallel each layer of a stream graph is, and what that takes of a board."""
