"""What goes out, made of records anew each time.

report       the students' pages and the table of points, by way of all the others
page, tables HTML, escaped; CSV, neutralised
overview     the class
changes      what differs from an older report
marks        points and comments by hand
gradebooks   files for Canvas and Moodle
"""
