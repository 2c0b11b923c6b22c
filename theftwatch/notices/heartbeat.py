"""A sign of life to a monitor outside: what it does not hear of, it raises an alarm for."""

import urllib.error
import urllib.request
from http.client import HTTPException

from theftwatch.errors import DeliveryError

_TIMEOUT_S = 30


def send_heartbeat(url: str, *, user_agent: str) -> None:
    """Ask for the address that a monitor gave.

    Raises DeliveryError where it does not answer, or not well; without the address, which is a secret.
    """
    request = urllib.request.Request(url, headers={"User-Agent": user_agent})  # noqa: S310  checked by the settings
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT_S).close()  # noqa: S310  the same
    except urllib.error.HTTPError as exc:
        exc.close()
        raise _untold(f"HTTP {exc.code}") from exc
    except (OSError, HTTPException) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise _untold(str(getattr(reason, "strerror", None) or reason)) from exc


def _untold(why: str) -> DeliveryError:
    return DeliveryError(
        f"nothing is wrong, but the monitor of THEFTWATCH_HEARTBEAT_URL was not told so ({why}); check the address, "
        "and that this machine reaches it"
    )
