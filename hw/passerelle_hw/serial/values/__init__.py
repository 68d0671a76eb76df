"""What the messages of devices say: named values with their units, or nothing at all."""
