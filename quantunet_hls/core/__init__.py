"""What every room stands on: errors, files, folders, processes, steps with a memory; no networks, no hardware."""
