"""The exercises of the guide, with checks that name each mistake.

An exercise is a file to fill in.

`exercise.py` says what an exercise is and `catalogue.py` lists them; the others hold the exercises
themselves, each in one place: reference solution (the stub is made of it), calls to check it with,
named mistakes, hints, the guide's line. A learner's file runs in a child process only
(`process.py` starts it, `child.py` is it).
"""
