"""`python -m passerelle` is `passerelle`."""

from passerelle.cli import main

main()
