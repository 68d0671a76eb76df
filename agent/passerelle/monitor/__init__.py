"""What IT and operators see of an agent."""
