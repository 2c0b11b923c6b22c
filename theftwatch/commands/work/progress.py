"""Progress on a terminal."""

from rich.console import Console
from rich.progress import Progress


def progress_bar() -> Progress:
    """Return what shows the progress of long work on standard error; elsewhere than on a terminal it shows nothing."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)
