"""What is tested, and what the words mean."""
