"""Many designs at once: a grid of models, boards and settings, worked off by Dask, kept in one SQLite file."""
