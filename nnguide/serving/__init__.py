"""A trained model behind TensorFlow Serving's REST interface, on one machine.

    tensors.py      JSON to arrays and back, by TensorFlow Serving's rules
    signatures.py   what a model takes and gives, under which names
    servable.py     a run's model, which answers from its light form without TensorFlow
    saved_model.py  a SavedModel, answered through TensorFlow
    batching.py     requests that arrive together are answered together
    versions.py     what lies on the disk, loaded, replaced while requests run
    rest.py         paths, bounds and statuses
    app.py          all of it as one ASGI application; server.py runs it

Every request is parsed and checked on its own before it shares a batch with another.
"""
