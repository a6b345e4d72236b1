"""The list of test cases, and the glossary."""
