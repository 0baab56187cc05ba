"""The operator ``interpolation``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
