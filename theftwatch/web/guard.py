"""What every answer to a browser carries, and which requests are answered at all."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def guards(*, hosts: list[str], policy: str, referrer: str = "no-referrer") -> list[Middleware]:
    """Return what stands before an application that is reached by `hosts` alone, with its content security policy.

    A name that a hostile server points at this machine is refused, and other sites can neither read from it nor frame
    it.
    """
    return [Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(_Guarded, policy, referrer)]


class _Guarded:
    """Adds to each answer what keeps browsers from doing more with it than is meant."""

    def __init__(self, app: ASGIApp, policy: str, referrer: str) -> None:
        self._app = app
        self._headers = Headers(
            {
                "Content-Security-Policy": f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; {policy}",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": referrer,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        ).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                names = {name.lower() for name, _ in own}
                message["headers"] = [*own, *((name, value) for name, value in self._headers if name not in names)]
            await send(message)

        await self._app(scope, receive, guarded)


class SameOrigin:
    """Refuses whatever changes something and was not sent by a page of this application.

    Browsers name the origin of each such request, and no page can have them name another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and not _is_own(Headers(scope=scope)):
            answer = PlainTextResponse("This was not sent by a page of TheftWatch; open it there.", status_code=403)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host")
