"""Image formats told by their first bytes, and whether a file still has its last ones."""

JPEG_END = b"\xff\xd9"
#: Start of a file, for the formats that shops serve and for those that they do not
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "PSD",
    b"%!PS": "EPS",
    b"\0\0\1\0": "ICO",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"<svg": "SVG",
}
#: Brands of an ISO media file; an AVIF may name its own after a general one
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIC"}
_BRANDS_READ_BYTES = 64
#: How far before the end its mark may stand, for what cameras and servers append
_TAIL_BYTES = 1024


def sniff_format(data: bytes) -> str | None:
    """Name the image format of a file; None where it starts as no image does."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = data[8 : min(_read_size(data, 0), _BRANDS_READ_BYTES)]
        return next((name for brand, name in _BRANDS.items() if brand in brands), None)
    return next((name for start, name in _STARTS.items() if data.startswith(start)), None)


def has_end(data: bytes, image_format: str) -> bool:
    """Tell whether a file has its end, which some formats mark and others announce at the start."""
    match image_format:
        case "JPEG":
            return JPEG_END in data[-_TAIL_BYTES:]
        case "PNG":
            return b"IEND" in data[-_TAIL_BYTES:]
        case "GIF":
            return data.endswith(b";")
        case "WEBP":
            return len(data) >= 8 + int.from_bytes(data[4:8], "little")
        case _:
            return _has_all_boxes(data)


def _has_all_boxes(data: bytes) -> bool:
    """Walk the boxes of an ISO media file; each starts with its size."""
    at = 0
    while at + 8 <= len(data):
        size = _read_size(data, at)
        if size == 0:  # reaches to the end, wherever that is
            return True
        at += max(size, 8)
    return at == len(data)


def _read_size(data: bytes, at: int) -> int:
    size = int.from_bytes(data[at : at + 4])
    return int.from_bytes(data[at + 8 : at + 16]) if size == 1 else size
