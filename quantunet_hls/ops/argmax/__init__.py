"""The operator ``argmax``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
