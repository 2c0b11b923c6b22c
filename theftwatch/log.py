"""What goes on, logged to standard error: for `--debug`, in the command and in the processes that it begins."""

import logging


def log_everything() -> None:
    """Log all that is logged, whatever its level."""
    logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def logs_everything() -> bool:
    """Return whether this process does."""
    return logging.getLogger().isEnabledFor(logging.DEBUG)
