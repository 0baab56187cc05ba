"""The operator ``padding``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
