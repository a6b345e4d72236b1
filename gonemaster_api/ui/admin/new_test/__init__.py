"""The form that starts a test."""
