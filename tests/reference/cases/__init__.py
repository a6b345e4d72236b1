"""One file per test case: a function that takes a `Subject` and returns the findings."""
