"""The operator ``multiply``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
