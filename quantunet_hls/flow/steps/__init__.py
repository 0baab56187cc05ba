"""The steps from a network to a report, a module each: what a step is made of, what it makes, and how."""

__all__ = ["STEPS"]

#: Names of the steps, in order.
STEPS = ("export", "ingest", "project", "csim", "accuracy", "rtl", "synthesis", "netlist", "place", "report")
