"""The light form of a run: the same answers without TensorFlow or Keras, in a tenth of a second.

Two files in the run folder: `light.tflite`, the network from preprocessed inputs to calibrated
probabilities, and `light.json`, what the NumPy front needs to preprocess. `write` makes them
with TensorFlow and checks them against the Keras model; `read` answers from them.
"""

NETWORK = "light.tflite"
SETTINGS = "light.json"
FILES = (NETWORK, SETTINGS)  # both or none
SCHEMA = 1
