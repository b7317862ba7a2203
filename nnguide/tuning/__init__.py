"""Search for better settings with keras-tuner: `nnguide tune`.

settings.py says what a search is, space.py what may change, oracles.py who chooses the next
trial, scoring.py what a trial is worth, worker.py and chief.py who does the work, report.py and
pictures.py what is left of it, and search.py is the whole of it.
"""
