"""From pixels and identity to a data set, and back: pure functions, run in a child."""
