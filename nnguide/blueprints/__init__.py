"""The dense network as a blueprint: by hand in NumPy, and its twins in PyTorch and Keras.

Read the files in this order; each takes one sitting.

    neuron.py          one neuron, forward and backward, with numbers
    activations.py     what a neuron makes of its sum, and how steeply
    losses.py          how wrong an answer is, and the first error δ
    starts.py          where the weights begin
    numpy_net.py       the whole network: forward, backward, fit
    descent.py         how the weights move: update rules, schedules, batches
    gradient_check.py  how we know that backward is right
    torch_net.py       the same network in PyTorch
    keras_net.py       the same network in Keras

Notation, as in all of nnguide: layer l has weights W[l], bias b[l], sum z[l] = a[l-1] W[l] + b[l],
activation a[l] = g(z[l]); prediction ŷ; label y; loss L; learning rate α; error δ[l] = ∂L/∂z[l].
One row is one example: X (batch, in), W (in, out).
"""
