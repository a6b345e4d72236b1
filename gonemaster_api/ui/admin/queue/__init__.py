"""The queue under an operator's hand: the start page."""
