"""What a trained network gets right: metrics, calibration, text and figures.

Nothing heavy is imported here: `metrics` and `calibration` need NumPy, `report` only text,
and `figures` imports matplotlib when it draws.
"""
