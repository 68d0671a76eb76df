"""Cameras and frame grabbers: what they deliver, whether it can be trusted, what is kept of it."""
