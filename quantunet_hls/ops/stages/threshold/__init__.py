"""The stage ``threshold``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
