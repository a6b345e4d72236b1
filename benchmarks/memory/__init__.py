"""What a worker holds after many runs."""
