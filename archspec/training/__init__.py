"""Training: data, tasks, losses, the loop."""
