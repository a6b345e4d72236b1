"""Test cases, message tags and their texts."""
