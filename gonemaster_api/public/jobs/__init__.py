"""Public tests of single domains."""
