"""The queue under an operator's hand."""
