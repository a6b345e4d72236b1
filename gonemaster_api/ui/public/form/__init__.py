"""The public form that submits a test."""
