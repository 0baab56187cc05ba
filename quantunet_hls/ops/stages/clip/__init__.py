"""The stage ``clip``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
