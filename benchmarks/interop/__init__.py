"""Networks as other projects write them, through the whole flow: what gets in, and what is said of the rest."""
