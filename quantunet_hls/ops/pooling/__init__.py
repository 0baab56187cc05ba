"""The operator ``pooling``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
