"""The rules, one root cause a file."""
