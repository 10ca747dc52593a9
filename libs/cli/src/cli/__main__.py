"""`python -m cli`: what the launcher .venv/bin/clipcast runs."""

import sys

from cli.app import main

if __name__ == "__main__":
    sys.exit(main())
