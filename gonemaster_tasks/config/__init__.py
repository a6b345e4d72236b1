"""Where settings come from, what they may be, and which hold at this moment."""
