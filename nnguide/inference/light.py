"""Light form of a run: answers without TensorFlow or Keras.

It gives the same answers and loads in a tenth of a second. Two files in the run folder:
`light.tflite`, the network from preprocessed inputs to calibrated probabilities, and `light.json`,
what the NumPy preprocessing needs. `nnguide.models.light_form` writes them with TensorFlow and
checks them against the Keras model; `LightModel` answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnguide.errors import RunError
from nnguide.files import read_json
from nnguide.inference import LIGHT_FILES
from nnguide.inference.litert import Network
from nnguide.inference.preprocessing import front

NETWORK, SETTINGS = FILES = LIGHT_FILES
SCHEMA = 1


class LightModel:
    """Model that answers raw inputs as the Keras model does.

    Both are in the same run folder.
    """

    def __init__(self, folder: Path) -> None:
        """Load the light form in `folder`.

        Raises:
            ExtraError: LiteRT's runtime is not installed.
            RunError: the light form is missing, damaged or of another version.
        """
        path = folder / SETTINGS
        try:
            settings = read_json(path)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is missing or damaged: {error}") from error
        if not isinstance(settings, dict) or settings.get("schema") != SCHEMA:
            raise RunError(f"{path} is not a light form that this nnguide reads")
        self.network = Network(folder / NETWORK)
        self.front = front(settings.get("preprocessing"))

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return the probabilities, (n, nodes) float32.

        Args:
            inputs: (n, 28, 28) grey levels 0-255, or (n,) object texts, as
                nnguide.inference.validation checks them.
        """
        answered = np.zeros((len(inputs), self.network.nodes), np.float32)
        for places, batch in self.front(inputs):
            answered[places] = self.network(batch)
        return answered
