"""Child processes: native code and the wire run in them, never in the main process."""
