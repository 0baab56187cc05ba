"""The operator ``add``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
