"""Trainings that went wrong, for the notebooks' puzzles, one file a subject.

They stand here so that a cell that draws them does not tell what the slip was.
"""

from course_utils.puzzles.autoregressive import slipped_pixels
from course_utils.puzzles.equations import slipped_ways_back
from course_utils.puzzles.flows import slipped_flows
from course_utils.puzzles.gan import slipped_games
from course_utils.puzzles.guidance import slipped_guidance
from course_utils.puzzles.kernels import slipped_kernels
from course_utils.puzzles.lines import slipped_lines
from course_utils.puzzles.pipes import slipped_pipes
from course_utils.puzzles.scores import slipped_walks
from course_utils.puzzles.start import slipped_steps
from course_utils.puzzles.students import slipped_students
from course_utils.puzzles.tokens import token_patterns
from course_utils.puzzles.vae import slipped_vaes

__all__ = ["slipped_flows", "slipped_games", "slipped_guidance", "slipped_kernels", "slipped_lines", "slipped_pipes",
           "slipped_pixels", "slipped_steps", "slipped_students", "slipped_vaes", "slipped_walks", "slipped_ways_back",
           "token_patterns"]
