"""Finishes a visit: what it was, with its photos fetched, as the capture that is kept."""

import asyncio
import logging

from scrapy.exceptions import IgnoreRequest

import theftwatch
from spiders.ending import EndingError
from spiders.run import Run
from spiders.visit import Visit
from theftwatch.config import settings
from theftwatch.evidence.capture import Capture, CapturedFile, CapturedPhoto, Photo, State
from theftwatch.evidence.warc import write_warc

logger = logging.getLogger(__name__)

_ERROR = 400
_SUFFIXES = {"JPEG": ("jpg", "image/jpeg"), "PNG": ("png", "image/png"), "WEBP": ("webp", "image/webp")}
_SUFFIXES |= {"GIF": ("gif", "image/gif"), "AVIF": ("avif", "image/avif")}


async def finish(visit: Visit, state: State, detail: str | None = None) -> Capture:
    """Return the capture, with its photos fetched where its page was there.

    Raises EndingError where one of them is not asked for any more.
    """
    run, document = Run.of(visit.crawler), visit.document
    if visit.gone:
        state, detail = (
            "gone",
            "the page is gone" if visit.why == "removal" else "the page was gone before its capture",
        )
    elif document is not None and document.status >= _ERROR and state != "blocked":
        state, detail = "failed", f"the host answered {document.status}"
    there = state in {"taken", "page_only"}
    photos, files = [], []
    for number, photo in enumerate(visit.subject.photos, 1):
        captured, of_photo = await _photo(visit, photo, number, there=there)
        photos.append(captured)
        files += of_photo
    run.counts.inc(f"capture/{state}")
    return Capture(
        subject=visit.subject,
        why=visit.why,
        state=state,
        detail="; ".join([*([detail] if detail else []), *visit.notes]) or None,
        taken_at=run.clock(),
        url=document.url if document else visit.subject.url,
        http_status=document.status if document else None,
        software=f"TheftWatch {theftwatch.__version__}",
        user_agent=settings().user_agent,
        browser=visit.browser,
        photos=tuple(photos),
        files=(*await asyncio.to_thread(_page_files, visit), *files),
    )


async def _photo(visit: Visit, photo: Photo, number: int, *, there: bool) -> tuple[CapturedPhoto, list[CapturedFile]]:
    suffix, media_type = _SUFFIXES.get(photo.format or "", ("bin", "application/octet-stream"))
    files: list[CapturedFile] = []
    data, missing_reason = await _fetch_photo(visit, photo) if there else (None, "not asked for")
    held = Run.of(visit.crawler).files
    crawled = await asyncio.to_thread(held.get, photo.sha256) if held.has(photo.sha256) else None
    name = None
    if data is not None:
        name = f"photo-{number}.{suffix}"
        files.append(CapturedFile(name=name, role="photo", media_type=media_type, data=data))
    if crawled is not None and crawled != data:
        files.append(
            CapturedFile(name=f"crawled-{number}.{suffix}", role="recorded", media_type=media_type, data=crawled)
        )
    place = None
    if shown := visit.places.get(photo.image_key):
        place = f"place-{number}.png"
        files.append(CapturedFile(name=place, role="place", media_type="image/png", data=shown))
    same = None if data is None or crawled is None else data == crawled
    return (
        CapturedPhoto(photo=photo, file=name, missing_reason=missing_reason, same=same, place=place),
        files,
    )


async def _fetch_photo(visit: Visit, photo: Photo) -> tuple[bytes | None, str | None]:
    headers = {"Referer": visit.subject.url}
    try:
        response = await visit.fetch(photo.source_url, static=True, headers=headers)
    except EndingError:
        raise
    except IgnoreRequest:
        return None, "refused_by_robots"
    except Exception as exc:  # whatever a hostile host makes fail, the page is still worth keeping
        logger.warning("no image at %s: %r", photo.source_url, exc)
        return None, "not_fetched"
    return (response.body, None) if response.status < _ERROR else (None, f"http_{response.status}")


def _page_files(visit: Visit) -> list[CapturedFile]:
    """Return the files of the page itself."""
    files = []
    if visit.document is not None:
        files.append(CapturedFile(name="page.html", role="page", media_type="text/html", data=visit.document.body))
    if visit.exchanges:
        software = f"TheftWatch {theftwatch.__version__}"
        data = write_warc(visit.exchanges, software=software, user_agent=settings().user_agent)
        files.append(CapturedFile(name="page.warc.gz", role="warc", media_type="application/warc", data=data))
    if visit.screenshot is not None:
        files.append(
            CapturedFile(name="screenshot.jpg", role="screenshot", media_type="image/jpeg", data=visit.screenshot)
        )
    return files
