"""The operator ``input``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
