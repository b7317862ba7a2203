"""Experiments that check the claims of the guide.

Each runs in seconds and returns plain numbers.

activation_curves         every activation and its derivative
linear_layers             why two linear layers are one, and XOR needs an activation
confident_mistakes        what a confident wrong answer costs
learning_rates            too small crawls, too large diverges
batch_sizes               full batch, mini-batches, one example at a time
learning_rate_schedules   constant, step, exponential, cosine, one-cycle
overfitting               dropout, L1, L2, early stopping
feature_scaling           the same training on raw and on standardised inputs
vanishing_gradients       the gradient of each layer, for sigmoid, tanh and ReLU
first_layer               what the units of a digit network look for
convolution_steps         a 3×3 kernel over a digit, number by number
"""
