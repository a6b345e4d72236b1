"""The list of root causes."""
