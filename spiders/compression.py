"""Answers that are packed, where one unpacks to more than is taken."""

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response


class Compression(HttpCompressionMiddleware):
    """Scrapy's middleware, whose error for such an answer is that of a request which robots.txt bars."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Unpack an answer.

        Raises DownloadCancelledError, as for an answer that is too large as it comes.
        """
        try:
            return super().process_response(request, response)
        except IgnoreRequest as exc:
            raise DownloadCancelledError(str(exc)) from exc
