"""What a person should know of the watch, with what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that a person should know, with what to do."""

    what: str
    remedy: str
    #: Whether the watch does not do what it should; else a host or a page is at fault
    wrong: bool
