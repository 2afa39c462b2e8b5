"""What comes in, and when.

    archives      the files of a folder or a zip, listed and read
    layouts       whose a file is, by the habits of Moodle, Canvas, nbgrader and others
    submissions   a student's notebooks, and which of their cells are run
    beside        the modules that go with a notebook
    handed_in     when they came, as far as that is told

Nothing is unpacked, and no link is followed.
"""
