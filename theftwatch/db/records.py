"""What the store takes: listings, images and files with all that was computed of them."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from theftwatch.db.validators import ImageValidator
from theftwatch.errors import UnusableImageError, UsageError
from theftwatch.listing import DateClaim, Listing, ListingImage, Side

if TYPE_CHECKING:
    from theftwatch.images.descriptor import Descriptor
    from theftwatch.images.phash import VariantHash

logger = logging.getLogger(__name__)

#: Reasons why an image cannot be compared that another fetch may mend: bytes are missing, or are none of an image
DAMAGED = ("truncated", "corrupt", "not_an_image")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRecord:
    """The exact bytes of an image, by their SHA-256, and what is known of them."""

    sha256: bytes
    byte_count: int
    #: None where the bytes are no image that we decode
    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    #: Why the image cannot be compared; None where it can
    unusable_reason: str | None = None
    hashes: "tuple[VariantHash, ...]" = ()
    #: None where no network is in use
    descriptor: "Descriptor | None" = None

    @property
    def is_damaged(self) -> bool:
        """Whether another fetch may give a better one."""
        return self.unusable_reason in DAMAGED


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingImageRecord:
    """An image in a listing with the bytes behind it, or the reason why there are none."""

    image: ListingImage
    sha256: bytes | None = None
    missing_reason: str | None = None
    #: Whether the bytes are the damaged ones that the record holds
    is_damaged: bool = False
    #: With what it can be asked for again, where it is to be
    validator: ImageValidator | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingRecord:
    """A listing with its images fetched."""

    listing: Listing
    images: tuple[ListingImageRecord, ...] = ()
    #: The images among these that the record does not hold yet
    new_images: tuple[ImageRecord, ...] = ()
    #: The side given for the run; None leaves the seller's own or its marketplace's
    side: Side | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all its images could be had; else it is to be read in full the next time too."""
        damaged = {image.sha256 for image in self.new_images if image.is_damaged}
        return all(each.sha256 and not each.is_damaged and each.sha256 not in damaged for each in self.images)


@dataclass(frozen=True, kw_only=True, slots=True)
class OriginalFileRecord:
    """An image that an artisan gave."""

    image: ImageRecord
    kind: Literal["original", "outtake"]
    name: str
    dated_at: datetime | None = None
    #: Where the artisan has published it
    published_url: str | None = None
    #: What the file itself says of when its photo was taken
    claims: tuple[DateClaim, ...] = ()


def image_record(data: bytes) -> ImageRecord:
    """Fingerprint an image; one that cannot be compared is recorded with its reason.

    Raises UsageError where the settings name a network that cannot be used.
    """
    # Loaded with the first image: a crawl that meets none that is new does without NumPy and imagehash.
    from theftwatch.images.fingerprint import fingerprint

    sha256 = hashlib.sha256(data).digest()
    try:
        prints = fingerprint(data)
    except UnusableImageError as exc:
        return ImageRecord(
            sha256=sha256,
            byte_count=len(data),
            format=exc.image_format,
            width_px=exc.width_px,
            height_px=exc.height_px,
            unusable_reason=exc.reason,
        )
    except UsageError:
        raise  # a wrong setting is not the image's fault
    except Exception:
        # A hostile image costs itself, not the listing that it stands in.
        logger.exception(
            "image %s cannot be fingerprinted, and should be refused by name; keep it for a test", sha256.hex()
        )
        return ImageRecord(sha256=sha256, byte_count=len(data), unusable_reason="failed")
    return ImageRecord(
        sha256=sha256,
        byte_count=len(data),
        format=prints.format,
        width_px=prints.width_px,
        height_px=prints.height_px,
        hashes=prints.hashes,
        descriptor=prints.descriptor,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class DescriptorRecord:
    """The descriptor of an image or of a part of it."""

    sha256: bytes
    #: 0 is the whole image
    part: int
    #: Left, top, right and bottom, as shares of width and height
    place: tuple[float, float, float, float]
    descriptor: "Descriptor"


def whole_descriptor(sha256: bytes, descriptor: "Descriptor") -> DescriptorRecord:
    """Return the record of the descriptor of a whole image."""
    return DescriptorRecord(sha256=sha256, part=0, place=(0.0, 0.0, 1.0, 1.0), descriptor=descriptor)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRecord:
    """The program's decision on a pair of images."""

    #: SHA-256 of the image in the role of the original, and of the one in that of the suspect
    original: bytes
    suspect: bytes
    decision: Literal["match", "possible", "no_match"]
    score: float
    method: str
    explanation: str
    transform: dict[str, object] | None = None
    distance_bits: int | None = None
    similarity: float | None = None
    inliers: int | None = None
