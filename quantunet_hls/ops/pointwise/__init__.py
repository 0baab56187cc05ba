"""What happens to each value by itself."""
