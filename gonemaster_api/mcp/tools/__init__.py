"""The tools by subject. Each tool is a function of the API and its parameters that returns a text."""
