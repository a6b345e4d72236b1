"""The search over everything, also shown as the command palette."""
