"""Revenue split and settlement: who gets what of the orders that are paid, and when."""
