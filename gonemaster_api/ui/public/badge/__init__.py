"""The badge that pages of others embed."""
