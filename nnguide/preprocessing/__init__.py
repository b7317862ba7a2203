"""Preprocessing: from raw inputs to what a network takes.

Each layer travels with its model.
"""
