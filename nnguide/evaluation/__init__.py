"""Evaluation of a trained network: metrics, calibration, reports and figures.

Nothing heavy is imported here: `metrics` and `calibration` need NumPy, `report` only text,
and `figures` imports matplotlib when it draws.
"""
