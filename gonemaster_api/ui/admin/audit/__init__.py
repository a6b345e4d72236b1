"""What operators did."""
