"""Diagrams: what a text explains by a drawing, one file a subject."""

from course_utils.diagrams.adversaries import (
    best_answer,
    game,
    losses_and_quality,
    losses_and_slopes,
    modes_found,
    ring_game,
    three_clouds,
    walks,
)
from course_utils.diagrams.course import COURSE, arrow_of_time, course_map, written
from course_utils.diagrams.inside import costs, feature_maps
from course_utils.diagrams.network import clocks, unet
from course_utils.diagrams.pixels import attention, masks, next_pixels, reach
from course_utils.diagrams.probability import competing, family, markov_chain, three_divergences, two_fits

__all__ = ["COURSE", "arrow_of_time", "attention", "best_answer", "clocks", "competing", "costs", "course_map",
           "family", "feature_maps", "game", "losses_and_quality", "losses_and_slopes", "markov_chain", "masks",
           "modes_found", "next_pixels", "reach", "ring_game", "three_clouds", "three_divergences", "two_fits",
           "unet", "walks", "written"]
