"""A mail server on loopback that takes real mail, refuses it, or falls silent, as a test wants."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event, Thread

import pytest
from aiosmtpd.smtp import SMTP


@dataclass
class MailServer:
    """A running mail server and what it took."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    #: What it answers to a recipient, and to a message; None: that it takes it
    refuses_recipient: str | None = None
    refuses_message: str | None = None
    #: What it does when it has the message, in place of an answer
    instead_of_an_answer: Callable[[], None] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "THEFTWATCH_SMTP_URL": f"smtp://127.0.0.1:{self.port}",
            "THEFTWATCH_MAIL_FROM": "The Watch <watch@example.org>",
        }

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802  aiosmtpd's name
        if self.refuses_recipient is None:
            envelope.rcpt_tos.append(address)
        return self.refuses_recipient or "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.refuses_message is None:
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        if self.instead_of_an_answer is not None:
            self.instead_of_an_answer()
            server.transport.abort()
        return self.refuses_message or "250 OK"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Return a mail server of this test's own."""
    ours, loop, ready = MailServer(), asyncio.new_event_loop(), Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: SMTP(ours, hostname="mail.example", loop=loop), "127.0.0.1", 0)
        ours.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()

    stop = asyncio.Event()
    thread = Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    assert ready.wait(120)
    yield ours
    loop.call_soon_threadsafe(stop.set)
    thread.join(120)
    loop.close()
