"""The operator ``depth_to_space``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
