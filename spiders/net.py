"""The way to the network: the host map, and the guard against private addresses."""

import ipaddress
from typing import Any, cast
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError
from scrapy.http import Response
from scrapy.resolver import CachingHostnameResolver
from twisted.internet.interfaces import IHostResolution, IResolutionReceiver
from zope.interface import implementer

from spiders.budget import IMAGES
from theftwatch.config import settings


class Handler(HTTP11DownloadHandler):
    """Plain HTTP: requests for a mapped host go to its stand-in, under the real name.

    Below the downloader nothing else knows of the map: robots.txt, delays, redirects and what is stored all keep the
    real address.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Scrapy keeps as many connections as it may ask for pages at once, which is one; every other image would
        # shake hands anew.
        self._pool.maxPersistentPerHost = crawler.settings.getdict("DOWNLOAD_SLOTS")[IMAGES]["concurrency"]

    async def download_request(self, request: Request) -> Response:
        """Fetch one request."""
        host = urlsplit(request.url).hostname or ""
        address = settings().mapped(host)
        if address is None and host in _stand_ins():
            # The guard lets stand-ins pass, for mapped hosts; a page that names one is up to no good.
            raise CannotResolveHostError(f"{request.url}: not a public address")
        if address is None:
            return await super().download_request(request)
        real = urlsplit(request.url)
        stand_in = request.replace(url=real._replace(scheme="http", netloc=address).geturl())
        stand_in.headers["Host"] = real.netloc
        response = await super().download_request(stand_in)
        # AutoThrottle looks for the latency in the request that it knows.
        request.meta.update({key: stand_in.meta[key] for key in ("download_latency",) if key in stand_in.meta})
        return response.replace(url=request.url)


class GuardedResolver(CachingHostnameResolver):
    """Resolves names to public addresses only.

    The address that is checked is the one that is dialled, so a name cannot change its answer in between; addresses
    written as numbers pass here too. The host map is the one way past.
    """

    def resolveHostName(  # type: ignore[override]  # noqa: N802  Twisted's name, and its order of arguments
        self, receiver: IResolutionReceiver, host: str, *args: Any, **kwargs: Any
    ) -> IHostResolution:
        """Resolve a name, passing public addresses on."""
        guarded = receiver if host in _stand_ins() else cast("IResolutionReceiver", _PublicOnly(receiver))
        return super().resolveHostName(guarded, host, *args, **kwargs)


@implementer(IResolutionReceiver)
class _PublicOnly:
    def __init__(self, receiver: Any) -> None:
        # An IResolutionReceiver, whose methods a type checker takes for functions.
        self._receiver = receiver

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802  Twisted's name
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802  Twisted's name
        if is_public(address.host):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802  Twisted's name
        self._receiver.resolutionComplete()


def _stand_ins() -> set[str]:
    return {urlsplit(f"//{address}").hostname or "" for address in settings().host_map.values()}


def is_public(address: str) -> bool:
    """Return whether an IP address lies in the public internet, and so does the one that it stands for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None)
        if inner is None:
            return ip.is_global and ip in _UNICAST and ip.sixtofour is None and ip.teredo is None
        ip = inner
    return ip.is_global and not ip.is_multicast and ip not in _IN_CLOUDS


#: What has an address of version 6 in the internet (RFC 4291, section 2.4); the rest is kept, or given back
_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Networks without version 4 reach its addresses so (RFC 6052)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: Looks public, and is each virtual machine's own host at Azure
_IN_CLOUDS = {ipaddress.IPv4Address("168.63.129.16")}
