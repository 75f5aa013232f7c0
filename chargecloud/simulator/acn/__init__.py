"""Real charging sessions of a garage, and the cars and drivers that repeat them."""
