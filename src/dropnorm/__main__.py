"""The command `dropnorm`; also `python -m dropnorm`, where the package is not installed."""

import errno
import os
import sys

from rich.console import Console
from rich.markup import escape

from dropnorm.errors import UserError


def main() -> None:
    """Entry point: what a user can mend becomes one line on stderr and exit status 2; Ctrl-C ends without a traceback.

    The commands are imported in here, as that takes a second, in which Ctrl-C may come too.
    """
    try:
        from dropnorm.cli import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except UserError as error:
        _complain(str(error))
    except OSError as error:  # a full disk, a folder that may not be written to, ...
        full = os.strerror(errno.ENOSPC)
        no_space = error.errno == errno.ENOSPC or full in str(error)  # `shutil` has no errno for copies of a folder
        remedy = "free some space and run the same command again" if no_space else "mend that first"
        words = error.strerror or (full if no_space else error)
        _complain(f"{words}: {error.filename2 or error.filename or 'while writing'}; {remedy}")


def _complain(message: str) -> None:
    """One line on stderr, exit status 2."""
    Console(stderr=True, highlight=False, soft_wrap=True).print("[red]error:[/red]", escape(message))
    sys.exit(2)


if __name__ == "__main__":
    main()
