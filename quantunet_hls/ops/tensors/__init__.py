"""What the facets ``tensors`` have in common: integers held in floats, and the form of what computes them."""
