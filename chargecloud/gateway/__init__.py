"""Floor 3: chargers' connections, who is connected, and the way of a command to them."""
