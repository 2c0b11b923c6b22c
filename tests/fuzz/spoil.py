"""Ways to spoil bytes, drawn by hypothesis: what it finds, it makes small."""

from functools import reduce

from hypothesis import strategies as st

#: What has upset some reader of something
_ODD = (
    *(b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[2J", b"\\u0000", b"\\ud800", b"&#0;"),
    *(b'"', b"'", b"<", b">", b"</script>", b"<!--", b"<![CDATA[", b"{", b"}", b"[", b"]", b"[" * 2000, b"{{", b"../"),
    *(b"null", b"true", b"-1", b"0", b"1e999", b"9" * 5000, b"NaN", b"0.5", b"//[", b"http://[", b"javascript:"),
    *(b"\r\n", b"&#xd800;"),
    *(b"\x80\xff\xff\xff\xff", b"\x30\x84\xff\xff\xff\xff", b"\xff\xd8", b"\xff\xda", b"a" * 70_000),
)
_PLACES = st.floats(0, 1, exclude_max=True)
_LENGTHS = st.sampled_from((0, 1, 2, 8, 100, 5000))
_EDITS = st.lists(
    st.tuples(
        st.sampled_from(("put", "swap", "copy", "cut", "flip")), _PLACES, _LENGTHS, _PLACES, st.sampled_from(_ODD)
    ),
    min_size=1,
    max_size=6,
)


def spoiled(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Return bytes that come of one of some seeds by a few edits."""
    return st.builds(lambda seed, edits: reduce(_edit, edits, seed), st.sampled_from(seeds), _EDITS)


def _edit(data: bytes, edit: tuple[str, float, int, float, bytes]) -> bytes:
    what, place, length, other, odd = edit
    start = int(place * len(data))
    end = min(len(data), start + length)
    match what:
        case "put":
            middle = odd
        case "swap":
            middle = data[int(other * len(data)) :][:length]
        case "copy":
            middle = data[start:end] * (2 + int(other * 20))
        case "flip":
            middle = bytes((each ^ (1 << int(other * 8))) for each in data[start:end])
        case _:
            return data[:start] if other < 0.1 else data[:start] + data[end:]
    return data[:start] + middle + data[end:]
