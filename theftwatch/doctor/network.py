"""The neural network that describes photos."""

import time

import numpy as np
from PIL import Image

from theftwatch.doctor.check import Check, failure, line_of, took
from theftwatch.errors import UsageError
from theftwatch.images import descriptor
from theftwatch.match.routes import descriptor_off


def check_descriptor() -> Check:
    """Load the network and have it describe a picture."""
    try:
        off = descriptor_off()
        if off:
            return Check(name="descriptor", state="off", detail=off.why, remedy=off.remedy)
        picture = Image.fromarray(np.linspace(0, 255, 288 * 288, dtype=np.uint8).reshape(288, 288))
        started = time.perf_counter()
        found = descriptor.describe(picture, side_px=descriptor.SIDE_PX)
    except UsageError as exc:
        return failure("descriptor", exc, "unset THEFTWATCH_DESCRIPTOR")
    except Exception as exc:  # the library raises what it likes
        return Check(name="descriptor", state="failed", detail=line_of(exc), remedy="make setup")
    assert found is not None
    return Check(name="descriptor", state="ok", detail=f"{found.model}, a picture in {took(started)}")
