"""The queue page for operators, which is the start page."""
