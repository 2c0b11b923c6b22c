"""Who is told: artisans by mail, and the operator."""

import time

from theftwatch.config import Settings
from theftwatch.doctor.check import Check, failure, took
from theftwatch.errors import TheftWatchError, UsageError
from theftwatch.notices.digest import operator_of
from theftwatch.notices.smtp import mail_server_of, sign_in


def check_mail(settings: Settings) -> Check:
    """Sign in to the mail server; nothing is sent."""
    if settings.smtp_url is None:
        detail = "THEFTWATCH_SMTP_URL is not set: notices are drafts, which a person sends"
        return Check(name="mail", state="off", detail=detail, remedy="export THEFTWATCH_SMTP_URL=smtps://…")
    started = time.perf_counter()
    try:
        server = mail_server_of(settings)
        sign_in(server)
    except TheftWatchError as exc:
        sender, server_url = (
            "THEFTWATCH_MAIL_FROM='NAME <ADDRESS>'",
            "THEFTWATCH_SMTP_URL=smtps://USER:PASSWORD@HOST:465",
        )
        return failure("mail", exc, f"export {server_url if settings.mail_from else sender}")
    return Check(name="mail", state="ok", detail=f"signed in to {server.called} in {took(started)}")


def check_operator(settings: Settings) -> Check:
    """See whether the operator's address is one that is known; nothing is sent."""
    if settings.operator_url is None:
        detail = "THEFTWATCH_OPERATOR_URL is not set: nobody is told of alarms unless they look"
        return Check(name="operator", state="off", detail=detail, remedy="export THEFTWATCH_OPERATOR_URL=mailtos://…")
    try:
        services = operator_of(settings)
    except UsageError as exc:
        return failure("operator", exc, "export THEFTWATCH_OPERATOR_URL=…, as docs/notices.md has it")
    # The address holds a password, so the service alone is named.
    named = ", ".join(str(service.service_name) for service in services)
    return Check(name="operator", state="ok", detail=f"told by {named}; `theftwatch notify --operator` tries it")
