"""Graph passes: each a pure function from one QONNX graph to another, one file each."""
