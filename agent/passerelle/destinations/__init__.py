"""Where instances go: archives and folders."""
