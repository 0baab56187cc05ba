"""From what a person asks for to a proven project and its report."""
