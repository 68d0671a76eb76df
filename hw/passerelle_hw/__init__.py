"""Drivers of devices; they know nothing of DICOM, the spool or the agent."""
