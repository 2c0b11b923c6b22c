"""How artisans are reached, as people entered it."""

from datetime import datetime

from theftwatch.db.queries import Connection, execute
from theftwatch.errors import UsageError
from theftwatch.notices.smtp import mail_address


async def enter_contact(connection: Connection, artisan: int, address: str, *, by: str, now: datetime) -> str | None:
    """Enter how an artisan is reached, in the caller's transaction, and return that; None takes away what was entered.

    Raises UsageError for what can be no address.
    """
    contact = address.strip() or None
    if contact and not contact.isprintable():
        raise UsageError("the address holds characters that cannot be printed; type it anew")
    if contact and "@" in contact and mail_address(contact) is None:
        raise UsageError(f"{contact}: no whole mail address; give one such as ana@example.org")
    await execute(connection, "lock_writes")
    await execute(connection, "enter_contact", artisan=artisan, contact=contact, by=by, now=now)
    return contact
