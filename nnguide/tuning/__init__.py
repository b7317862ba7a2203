"""A search for better settings with keras-tuner: `nnguide tune`.

settings.py defines a search and space.py what may change, oracles.py chooses the next trial,
scoring.py computes the score of a trial, worker.py and chief.py run the trials, report.py and
pictures.py write the results, and search.py combines all of them.
"""
