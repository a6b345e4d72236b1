"""The form on which anybody asks for a test."""
