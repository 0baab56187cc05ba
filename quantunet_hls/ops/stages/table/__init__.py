"""The stage ``table``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
