"""What can go wrong, as a tree.

TheftWatchError          one sentence: the value, the cause and the remedy
├── UsageError           a wrong argument or setting
├── PageError            a page that gives no data
│   ├── PageBlockedError     the marketplace refused to show it
│   ├── UnknownPageError     it is of no kind that we read
│   ├── PageGoneError        it says that its listing is no longer there
│   ├── PageChangedError     it is of a known kind, but its data is missing
│   └── PageBrokenOffError   it ends in the middle
├── ConflictError        somebody else changed what a person was looking at
├── UnusableImageError   bytes that cannot be compared
├── DatabaseError        Postgres cannot be started or reached
│   └── SchemaError          the database and this version of the program do not fit each other
├── OverlapError         the same job is under way already
├── FileStoreError       the image store is away, refuses, or is not that of the database
├── BackupError          a backup cannot be made, is not whole, or cannot be brought back
├── TimestampError       an authority gives no timestamp, or one does not verify
├── EvidenceError        proof cannot be made, or does not hold
├── NodeError            scrapyd or Ray does not answer, or does not do what it is asked
├── WorkerError          a process that helps this one ended before its work was done
└── DeliveryError        a message did not go out, or nobody can tell whether it did
"""

from typing import ClassVar


class TheftWatchError(Exception):
    """Base of all errors a user may see; its text is one line that names the remedy."""

    exit_code: ClassVar[int] = 1


class UsageError(TheftWatchError):
    """Raised when an argument or a setting has a value that cannot be used."""

    exit_code = 2


class PageError(TheftWatchError):
    """Raised when a page gives no data, from the functions of `theftwatch.pages`."""


class PageBlockedError(PageError):
    """Raised when the marketplace answered with a block instead of the page; the remedy is to slow down."""

    exit_code = 3


class UnknownPageError(PageError):
    """Raised when a page is of no kind that we read; the remedy is to give another address."""

    exit_code = 4


class PageGoneError(PageError):
    """Raised when the page of a listing says, by its words and by its data, that the listing is no longer there."""

    exit_code = 5


class PageChangedError(PageError):
    """Raised when a page of a known kind lacks its data; the remedy is to mend the page module."""

    exit_code = 5


class PageBrokenOffError(PageError):
    """Raised when a page came without its end, and so may lack any of its data; the remedy is to fetch it again."""


class ConflictError(TheftWatchError):
    """Raised when what a person judges is no longer what the person saw, from `theftwatch.match.verdict`."""


class UnusableImageError(TheftWatchError):
    """Raised when bytes cannot be compared as a photo, from `theftwatch.images`.

    `reason` is the short word that is stored with the image, beside what is known of it.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        image_format: str | None = None,
        width_px: int | None = None,
        height_px: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.image_format = image_format
        self.width_px = width_px
        self.height_px = height_px


class DatabaseError(TheftWatchError):
    """Raised when Postgres cannot be started, reached or migrated."""


class SchemaError(DatabaseError):
    """Raised when the schema of the database is one that this version of the program cannot work with."""


class OverlapError(TheftWatchError):
    """Raised when the same job is under way already, from `theftwatch.db.job_lock`."""


class FileStoreError(TheftWatchError):
    """Raised when the image store is away, refuses, or is not the one that the database names."""


class BackupError(TheftWatchError):
    """Raised when a backup cannot be made, is not whole, or cannot be brought back, from `theftwatch.backup`."""


class TimestampError(TheftWatchError):
    """Raised when an authority gives no timestamp, or when one does not verify."""


class EvidenceError(TheftWatchError):
    """Raised when a bundle cannot be made, or when one does not verify."""


class WorkerError(TheftWatchError):
    """Raised when a process that compares pictures for this one is gone, from `theftwatch.match.workers`."""


class NodeError(TheftWatchError):
    """Raised when a node does not answer, or does not do what it is asked, from `theftwatch.jobs` and `match.share`."""

    def __init__(self, url: str, what: str, remedy: str) -> None:
        super().__init__(f"{url}: {what}; {remedy}")
        self.what = what
        self.remedy = remedy


class DeliveryError(TheftWatchError):
    """Raised when a message did not go out, from `theftwatch.notices`.

    `may_have_gone` tells that a server had the whole of it and gave no answer.
    """

    def __init__(self, detail: str, *, may_have_gone: bool = False) -> None:
        super().__init__(detail)
        self.may_have_gone = may_have_gone
