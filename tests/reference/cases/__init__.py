"""One file per test case: a function that gets a `Subject` and gives what it finds."""
