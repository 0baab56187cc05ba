"""The typed network, and a room for each operator."""
