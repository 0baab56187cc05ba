"""The stage ``quotient``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
