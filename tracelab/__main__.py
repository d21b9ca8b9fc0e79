"""`python -m tracelab` is the `tracelab` command."""

from tracelab.cli import main

main()
