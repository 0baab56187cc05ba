"""The operator ``convolution``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
