"""The operator ``zero_insertion``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
