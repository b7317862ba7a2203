"""Neural networks by hand in NumPy, with twins in PyTorch and Keras.

README.md has the order in which to read the files.

Notation, as in all of nnguide: layer l has weights W[l], bias b[l], sum z[l] = a[l−1] W[l] + b[l],
activation a[l] = g(z[l]); prediction ŷ; label y; loss L; learning rate α; error δ[l] = ∂L/∂z[l].
One row is one example: X (batch, in), W (in, out).
"""
