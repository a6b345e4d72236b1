"""What is said about the queue: problems, places and forecasts."""
