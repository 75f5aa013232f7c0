"""Floor 4: the life of an order."""
