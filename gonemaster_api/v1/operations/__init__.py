"""Operations: changes of many rows in the background."""
