"""What comes in, and when.

    archives      the files of a folder or a zip, listed and read
    layouts       whose a file is, by the habits of Moodle, Canvas, nbgrader and others
    submissions   a student's notebooks, and which of their cells are run
    late          when they came, and the rules for late work

Nothing is unpacked, and no link is followed.
"""
