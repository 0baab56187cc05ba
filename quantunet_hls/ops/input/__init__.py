"""Where images enter."""
