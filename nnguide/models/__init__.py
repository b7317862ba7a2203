"""Builders: plain functions from a configuration to an uncompiled Keras model.

Each returns the core of a network, from preprocessed inputs to float32 probabilities.
"""
