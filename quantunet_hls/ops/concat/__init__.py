"""The operator ``concat``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
