"""The stage ``multi_threshold``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
