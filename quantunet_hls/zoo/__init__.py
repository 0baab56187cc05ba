"""The model zoo: checkpoints with a card each, where they lie, and what they reach."""
