"""Answer without TensorFlow: read, validate, preprocess, run the network, decide."""

LIGHT_FILES = ("light.tflite", "light.json")  # of a run's light form; both or none
