"""What operations change: one step function per kind."""
