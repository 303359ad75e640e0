"""What the page Compare says: rows of one table, what follows from them, times. Draws nothing."""
