"""What test cases report: tags, and their texts."""
