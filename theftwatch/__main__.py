"""`python -m theftwatch` is the command line."""

from theftwatch.cli import main

main()
