"""The stage ``relu``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
