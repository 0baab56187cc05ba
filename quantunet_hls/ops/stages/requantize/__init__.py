"""The stage ``requantize``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
