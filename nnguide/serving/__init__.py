"""A server with the REST interfaces of TensorFlow Serving and KServe.

It serves trained models on one machine.

    tensors.py      JSON to arrays and back, by TensorFlow Serving's rules;
                    inference_tensors.py by those of the Open Inference Protocol
    signatures.py   what a model takes and gives, under which names
    servable.py     a run's model, which answers from its light form without TensorFlow
    saved_model.py  a SavedModel, answered through TensorFlow
    batching.py     requests that arrive together are answered together
    versions.py     what lies on the disk, loaded, replaced while requests run
    intake.py       bounds, statuses, and a request's way to a model
    rest.py         TensorFlow Serving's paths; open_inference.py those of KServe and Triton
    app.py          all of it as one ASGI application; server.py runs it
    memory.py       the process's memory, kept level
    filtering/      the other server: a filter in the path of mail

Every request is parsed and checked on its own before it shares a batch with another.
"""
