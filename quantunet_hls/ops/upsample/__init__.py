"""The operator ``upsample``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
