"""Where acquisitions come from."""
