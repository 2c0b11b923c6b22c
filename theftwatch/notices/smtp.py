"""Handing a mail to a server, so that afterwards it is known whether it went out."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from theftwatch.config import Settings
from theftwatch.errors import DeliveryError, UsageError
from theftwatch.reports.words import one_line

_PORTS = {"smtp": 587, "smtps": 465}
#: On this machine nobody listens in
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TIMEOUT_S = 60
_OK = 250
_ACCEPTED = (250, 251)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailServer:
    """Who takes our mail, and under which address it goes out."""

    host: str
    port: int
    #: TLS from the first byte; else STARTTLS, without which only this machine itself is spoken to
    is_tls: bool
    user: str | None
    password: str | None = field(repr=False)
    sender: Address

    @property
    def called(self) -> str:
        """What to call it in a message."""
        return f"mail server {self.host}:{self.port}"


def mail_server_of(settings: Settings) -> MailServer:
    """Return the mail server that the settings name.

    Raises UsageError where they name none, or no sender.
    """
    if settings.smtp_url is None:
        raise UsageError("THEFTWATCH_SMTP_URL is not set; name a mail server, or send the drafts by hand")
    try:
        url = urlsplit(settings.smtp_url.get_secret_value())
        host, port = url.hostname, url.port or _PORTS[url.scheme]
    except (KeyError, ValueError):
        host, port = None, 0
    if not host:
        raise UsageError("THEFTWATCH_SMTP_URL: not of the form smtps://user:password@host:465 or smtp://host:587")
    sender = mail_address(settings.mail_from or "")
    if sender is None:
        raise UsageError("THEFTWATCH_MAIL_FROM: give the sender of notices, such as `Name <name@example.org>`")
    return MailServer(
        host=host,
        port=port,
        is_tls=url.scheme == "smtps",
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        sender=sender,
    )


def mail_address(text: str) -> Address | None:
    """Return the one mail address that a text is, with or without a name before it; None for any other text."""
    if not text.isprintable():
        return None
    header: Any = HeaderRegistry()("to", text)
    if header.defects or len(header.addresses) != 1:
        return None
    address: Address = header.addresses[0]
    is_whole = bool(address.username) and "." in address.domain.strip(".") and address.addr_spec.isascii()
    return address if is_whole else None


def send(server: MailServer, message: EmailMessage, recipient: Address) -> None:
    """Hand a mail to the server.

    Raises DeliveryError: where it did not go out, or with `may_have_gone` where nobody can tell.
    """
    data = message.as_bytes(policy=policy.SMTP.clone(cte_type="7bit"))
    handed_over = False
    try:
        with _connected(server) as smtp:
            _check(server, smtp.mail(server.sender.addr_spec), "the sender")
            _check(server, smtp.rcpt(recipient.addr_spec), f"the address {recipient.addr_spec}")
            handed_over = True  # from here on only the server's own word says that it did not take it
            code, reply = smtp.data(data)
            if code != _OK:
                raise DeliveryError(f"{server.called} refused the message: {_words(code, reply)}")
    except smtplib.SMTPDataError as exc:
        raise DeliveryError(f"{server.called} refused the message: {_words(exc.smtp_code, exc.smtp_error)}") from exc
    except (smtplib.SMTPException, OSError) as exc:
        if handed_over:
            raise DeliveryError(
                f"{server.called} had the message and gave no answer ({one_line(str(exc))})", may_have_gone=True
            ) from exc
        raise _unusable(server, exc) from exc


def sign_in(server: MailServer) -> None:
    """Go as far with the server as one can without a mail.

    Raises DeliveryError.
    """
    try:
        with _connected(server):
            pass
    except (smtplib.SMTPException, OSError) as exc:
        raise _unusable(server, exc) from exc


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    secure = ssl.create_default_context()
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=secure)
        if server.is_tls
        else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
    )
    try:
        if not server.is_tls and server.host not in _LOOPBACK:
            smtp.starttls(context=secure)  # refuses to go on without
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password or "")
        yield smtp
        with suppress(smtplib.SMTPException, OSError):  # whatever it says to that, all is done
            smtp.quit()
    finally:
        smtp.close()


def _check(server: MailServer, answer: tuple[int, bytes], what: str) -> None:
    code, reply = answer
    if code not in _ACCEPTED:
        raise DeliveryError(f"{server.called} refused {what}: {_words(code, reply)}")


def _unusable(server: MailServer, exc: Exception) -> DeliveryError:
    if isinstance(exc, smtplib.SMTPAuthenticationError):
        answer = _words(exc.smtp_code, exc.smtp_error)
        return DeliveryError(f"{server.called} refused the name or the password of THEFTWATCH_SMTP_URL: {answer}")
    return DeliveryError(f"{server.called} cannot be used: {one_line(str(exc))}; see THEFTWATCH_SMTP_URL")


def _words(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {one_line(text)}"
