"""The zone under test, as test cases query it."""
