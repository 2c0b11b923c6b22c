"""What the replica answers while a marketplace is in trouble."""

from dataclasses import replace
from http import HTTPStatus

from theftwatch.demo import captured
from theftwatch.demo.answers import Answer, text_answer
from theftwatch.demo.days import TroubleKind


def spoil(answer: Answer, trouble: TroubleKind) -> Answer:
    """Return what becomes of an answer: the same where this trouble does not touch it; robots.txt stays open to all."""
    is_robots = answer.content_type.startswith("text/plain") and answer.status == HTTPStatus.OK
    is_image = answer.content_type.startswith("image/")
    match trouble:
        case TroubleKind.ERROR:
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain", body=b"Unavailable\n")
        case TroubleKind.REFUSAL if not is_robots:
            return Answer(status=HTTPStatus.FORBIDDEN, body=captured.read_captured(captured.CAPTCHA))
        case TroubleKind.CAPTCHA if not is_robots:
            return Answer(body=captured.read_captured(captured.SLIDER))
        case TroubleKind.HALF if answer.content_type.startswith("text/html") and answer.body:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case TroubleKind.HALF_IMAGE if is_image and answer.body:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case TroubleKind.NO_IMAGE if is_image:
            return text_answer("<html><body>The image host is being mended.</body></html>")
    return answer
