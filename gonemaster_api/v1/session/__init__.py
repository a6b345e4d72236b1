"""The caller, login and logout."""
