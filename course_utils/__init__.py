"""The library under the course on generative models.

Importing it loads nothing heavy; each room is imported where it is used, e.g. `from course_utils.check import check`.
"""
