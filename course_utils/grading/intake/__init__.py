"""What comes in, and when.

    archives         the files of a folder or a zip, listed and read
    layouts          whose a file is, by the habits of Moodle, Canvas, nbgrader and others
    names            what a file's name tells: the notebook, the student, that it is a copy
    claims           what counts of one student's files
    roster           who is in the class, compared with who handed in
    submissions      a student's notebooks, and which of their cells are run
    student_modules  the modules that go with a notebook
    hand_in_time     when they came, as far as that is told

Nothing is unpacked, and no link is followed.
"""
