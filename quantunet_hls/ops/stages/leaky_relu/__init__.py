"""The stage ``leaky_relu``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
