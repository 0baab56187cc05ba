"""The stage ``sigmoid``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
