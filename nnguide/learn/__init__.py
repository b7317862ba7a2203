"""The guide in the browser, with live figures and exercises.

Every number on a page is computed here, by the files that it shows.

    lesson      what a lesson is: controls, numbers, figures, a question
    lessons/    one file a lesson
    figures     what a page can draw, as plain data
    python      a state of a lesson as Python that gives the same numbers
    passages    the guide's own text, as HTML
    session     one learner's connection
    app, server the pages, and the process that serves them
    exercises/  files that a reader fills in, and the check that names a mistake

The page sends a lesson's state and draws the figures that come back; it computes no network.
"""
