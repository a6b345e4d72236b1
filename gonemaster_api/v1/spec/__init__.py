"""What is tested: cases, tags and their texts."""
