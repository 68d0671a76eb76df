"""What runs in the box."""
