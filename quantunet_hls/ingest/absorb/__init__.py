"""What becomes of each kind of node where scales leave the graph, a module for each kind."""
