"""Who asks: by the session of an account, or on this machine alone without one."""

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from theftwatch.db.pool import reading
from theftwatch.web.accounts import SESSION, find_visitor, sign_in, sign_out
from theftwatch.web.pages import Person, context_of, form_of, page

_COOKIE = "theftwatch"
_OPEN_TO_ALL = ("/sign-in", "/static/")


class SignedIn:
    """Names who asks; sends those who have to sign in where they can.

    Without accounts everybody on this machine is the one person whose name the page was started under.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http" or scope["path"].startswith(_OPEN_TO_ALL):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        context = context_of(request)
        async with reading(context.pool) as connection:
            visitor = await find_visitor(connection, request.cookies.get(_COOKIE, ""), now=context.clock())
        if visitor.name and visitor.role:
            request.state.person = Person(name=visitor.name, role=visitor.role, signed_in=True)
            await self._app(scope, receive, send)
        elif not visitor.guarded and context.by is not None:
            request.state.person = Person(name=context.by, role="reviewer", signed_in=False)
            await self._app(scope, receive, send)
        elif request.method == "GET":
            back = urlencode({"to": scope["path"] + (f"?{request.url.query}" if request.url.query else "")})
            await RedirectResponse(f"/sign-in?{back}", status_code=303)(scope, receive, send)
        else:
            answer = page(
                request, "told.html.j2", status=401, says="You are signed out; open the page again to sign in."
            )
            await answer(scope, receive, send)


async def _offer(request: Request) -> Response:
    return page(request, "sign_in.html.j2", to=_within(request.query_params.get("to", "/")), wrong=False)


async def _sign_in(request: Request) -> Response:
    context = context_of(request)
    fields = dict(await form_of(request))
    to = _within(fields.get("to", "/"))
    async with context.pool.connection() as connection:
        token = await sign_in(connection, fields.get("name", ""), fields.get("password", ""), now=context.clock())
    if token is None:
        return page(request, "sign_in.html.j2", status=403, to=to, wrong=True)
    answer = RedirectResponse(to, status_code=303)
    answer.set_cookie(
        _COOKIE,
        token,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.headers["host"] == context.secure_host,
    )
    return answer


async def _sign_out(request: Request) -> Response:
    context = context_of(request)
    async with context.pool.connection() as connection:
        await sign_out(connection, request.cookies.get(_COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(_COOKIE)
    return answer


def _within(address: str) -> str:
    """Return an address of this application; what leads elsewhere leads to the start."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    if not own or not address.isprintable():
        return "/"
    return address


ROUTES = [
    Route("/sign-in", _offer, methods=["GET"]),
    Route("/sign-in", _sign_in, methods=["POST"]),
    Route("/sign-out", _sign_out, methods=["POST"]),
]
