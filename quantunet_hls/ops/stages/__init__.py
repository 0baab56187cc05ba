"""What a layer does to each value by itself, behind its sums: a room for each such stage."""
