"""The operator ``pointwise``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
