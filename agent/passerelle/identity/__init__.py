"""Who says whose an acquisition is."""
