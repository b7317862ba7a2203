"""What it costs to use a trained model: size, time and accuracy of its forms."""
