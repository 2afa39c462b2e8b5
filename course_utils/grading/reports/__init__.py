"""What goes out, made of the records anew each time.

    report       the students' pages and the table of points, by way of all the others
    page         HTML, where what a student wrote is escaped
    tables       CSV, where it is no formula
    overview     the class
    classlist    its students in a table that can be sorted and filtered
    feedback     the students' pages for Moodle and Canvas, and without names
    items        the tasks: how many solve each, whom it tells apart, run by run
    similar      pairs of students whose code is alike
    changes      what differs from an older report
    late         what late work is worth
    marks        points and comments by hand
    gradebooks   files for Canvas and Moodle

No expected value and no seed is told in any of them.
"""
