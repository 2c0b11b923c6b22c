"""The image store, and the disk that the data folder is on."""

import os
import secrets
from pathlib import Path

import psycopg

from theftwatch.clock import Clock
from theftwatch.config import Settings
from theftwatch.db import server
from theftwatch.doctor.check import Check, failure
from theftwatch.errors import DatabaseError, TheftWatchError
from theftwatch.files import free_bytes
from theftwatch.image_store import look_for_store, place_of

#: With less than this a night's photos may not fit
DISK_FREE_MIN_BYTES = 1_000_000_000


def check_files(settings: Settings, clock: Clock) -> Check:
    """See whether the image store is that of the database; write a file to it as photos are, read and delete it."""
    setting = "THEFTWATCH_FILES" if settings.files else "THEFTWATCH_DATA_DIR"
    remedy = f"export {setting}=FOLDER, of a folder that you may write to"
    name, data = f"check-{secrets.token_hex(8)}", os.urandom(1024)
    try:
        place = place_of(settings).place
        try:
            place.write(name, data)
            same = place.read(name) == data
        finally:
            place.delete(name)
        look_for_store(server.connect_dsn(settings, clock=clock), settings, clock=clock)
    except OSError as exc:
        detail = f"{exc.filename or settings.files_dir}: {exc.strerror or exc}"
        return Check(name="files", state="failed", detail=detail, remedy=remedy)
    except (DatabaseError, psycopg.Error):
        pass  # told by the check of the database
    except TheftWatchError as exc:
        return failure("files", exc)
    if not same:
        detail = f"{place}: what was read is not what was written"
        return Check(name="files", state="failed", detail=detail, remedy=remedy)
    return Check(name="files", state="ok", detail=f"written, read and deleted in {place}")


def check_disk(folder: Path) -> Check:
    """See how much room there is for the data folder, which may not be there yet."""
    free = free_bytes(folder)
    detail = f"{free / 1_000_000_000:.1f} GB free for {folder}"
    if free < DISK_FREE_MIN_BYTES:
        remedy = "theftwatch keep, which shows what may go; or a larger disk in that place"
        return Check(name="disk", state="failed", detail=f"only {detail}", remedy=remedy)
    return Check(name="disk", state="ok", detail=detail)
