"""Passerelle: what a device produces becomes DICOM and reaches the archive; nothing is lost."""

__version__ = "0.1.0"
