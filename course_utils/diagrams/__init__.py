"""Diagrams: what a text explains by a drawing, one file a subject."""

from course_utils.diagrams.adversaries import (
    best_answer,
    game,
    losses_and_quality,
    losses_and_slopes,
    modes_found,
    ring_clouds,
    ring_game,
    walks,
)
from course_utils.diagrams.course import COURSE, arrow_of_time, course_map
from course_utils.diagrams.equations import ito_and_fokker_planck, paths_and_marginal, three_conditions
from course_utils.diagrams.few_steps import few_steps_measured, few_steps_told, two_clocks
from course_utils.diagrams.guidance import among, guidance_measured, guidance_told, sentence_to_picture, visited
from course_utils.diagrams.inside import costs, evaluation, feature_maps
from course_utils.diagrams.kernels import (
    bytes_by_operation,
    compiled_table,
    gradients_of_pixels,
    modelled_roofline,
    programs,
    rooflines,
    told_bytes,
    traced,
)
from course_utils.diagrams.latent import (
    both_terms,
    codes_and_rows,
    latent_plane,
    place_and_picture,
    pulled,
    two_guesses,
)
from course_utils.diagrams.network import clocks, unet
from course_utils.diagrams.pixels import attention, masks, next_pixels, reach
from course_utils.diagrams.probability import competing, family, markov_chain, three_divergences, two_fits
from course_utils.diagrams.scores import clouds_over, quarter_circle, rungs, score_fields, timeline
from course_utils.diagrams.straight import (
    determinants,
    flights,
    over_steps,
    ways,
    ways_and_ends,
)
from course_utils.diagrams.text_to_image import curve_columns, latent_tiles, read_places, told_costs, told_first
from course_utils.diagrams.transformers import (
    cross_and_joint,
    dit_block,
    losses_over_cost,
    patches,
    patterns,
    pipelines,
    shares_of_cost,
    told_operations,
    who_reads,
)
from course_utils.diagrams.transport import (
    bits_over_training,
    carried,
    error_curves,
    log_density_maps,
    probe_estimates,
    round_trip,
    step_sizes,
    two_crowds,
    walks_from,
)

__all__ = ["COURSE", "among", "arrow_of_time", "attention", "best_answer", "bits_over_training", "both_terms",
           "bytes_by_operation", "carried", "clocks", "clouds_over", "codes_and_rows", "competing", "compiled_table",
           "costs", "course_map", "cross_and_joint", "curve_columns", "determinants", "dit_block", "error_curves",
           "evaluation", "family", "feature_maps", "few_steps_measured", "few_steps_told", "flights", "game",
           "gradients_of_pixels", "guidance_measured", "guidance_told", "ito_and_fokker_planck", "latent_plane",
           "latent_tiles", "log_density_maps", "losses_and_quality", "losses_and_slopes", "losses_over_cost",
           "markov_chain", "masks", "modelled_roofline", "modes_found", "next_pixels", "over_steps", "patches",
           "paths_and_marginal", "patterns", "pipelines", "place_and_picture", "probe_estimates", "programs", "pulled",
           "quarter_circle", "reach", "read_places", "ring_clouds", "ring_game", "rooflines", "round_trip", "rungs",
           "score_fields", "sentence_to_picture", "shares_of_cost", "step_sizes", "three_conditions",
           "three_divergences", "timeline", "told_bytes", "told_costs", "told_first", "told_operations", "traced",
           "two_clocks", "two_crowds", "two_fits", "two_guesses", "unet", "visited", "walks", "walks_from", "ways",
           "ways_and_ends", "who_reads"]
