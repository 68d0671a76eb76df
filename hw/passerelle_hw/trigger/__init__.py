"""Pedals, buttons, contacts and clocks: when something is to be captured."""
