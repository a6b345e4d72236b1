"""Tables of batches and their statistics."""
