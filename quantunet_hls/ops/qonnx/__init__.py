"""What the operators' ONNX facets share: questions to a QONNX graph, ranges, and what a facet says of a node."""
