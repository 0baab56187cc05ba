"""The stage ``cast``, facet by facet (:mod:`quantunet_hls.ops.table`)."""
