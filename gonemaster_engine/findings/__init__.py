"""The findings of test cases: tags and their texts."""
