"""Associations: DICOM on the wire, only ever in a child process or a one-off command."""
