"""python -m playground: the command line."""

import sys

from playground.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
