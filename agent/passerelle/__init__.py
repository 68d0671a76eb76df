"""Passerelle: what a device produces becomes DICOM and reaches the archive; nothing is lost."""

from importlib.metadata import version

__version__ = version("passerelle")
