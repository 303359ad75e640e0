"""`python -m hydranet` is the command line."""

from hydranet.cli import main

main()
