"""What takes more than one step."""
