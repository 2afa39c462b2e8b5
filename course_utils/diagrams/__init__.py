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
from course_utils.diagrams.few_steps import describe_few_steps, quality_over_steps, two_clocks
from course_utils.diagrams.guidance import (
    among,
    describe_guidance,
    quality_over_guidance,
    sentence_to_picture,
    visited_times,
)
from course_utils.diagrams.inside import costs, evaluation, feature_maps
from course_utils.diagrams.kernels import (
    bytes_by_operation,
    compiled_table,
    describe_bytes,
    gradients_of_pixels,
    modelled_roofline,
    programs,
    rooflines,
    trace_accesses,
)
from course_utils.diagrams.latent import (
    both_terms,
    codes_and_rows,
    latent_plane,
    place_and_picture,
    pull_of_decoder,
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
from course_utils.diagrams.text_to_image import curve_columns, describe_costs, describe_ranks, latent_tiles, read_places
from course_utils.diagrams.transformers import (
    cross_and_joint,
    describe_operations,
    dit_block,
    losses_over_cost,
    patches,
    patterns,
    pipelines,
    shares_of_cost,
    who_reads,
)
from course_utils.diagrams.transport import (
    bits_over_training,
    error_curves,
    log_density_maps,
    probe_estimates,
    round_trip,
    step_sizes,
    transport_map,
    two_crowds,
    walks_from,
)

__all__ = ["COURSE", "among", "arrow_of_time", "attention", "best_answer", "bits_over_training", "both_terms",
           "bytes_by_operation", "clocks", "clouds_over", "codes_and_rows", "competing", "compiled_table", "costs",
           "course_map", "cross_and_joint", "curve_columns", "describe_bytes", "describe_costs", "describe_few_steps",
           "describe_guidance", "describe_operations", "describe_ranks", "determinants", "dit_block", "error_curves",
           "evaluation", "family", "feature_maps", "flights", "game", "gradients_of_pixels", "ito_and_fokker_planck",
           "latent_plane", "latent_tiles", "log_density_maps", "losses_and_quality", "losses_and_slopes",
           "losses_over_cost", "markov_chain", "masks", "modelled_roofline", "modes_found", "next_pixels", "over_steps",
           "patches", "paths_and_marginal", "patterns", "pipelines", "place_and_picture", "probe_estimates", "programs",
           "pull_of_decoder", "quality_over_guidance", "quality_over_steps", "quarter_circle", "reach", "read_places",
           "ring_clouds", "ring_game", "rooflines", "round_trip", "rungs", "score_fields", "sentence_to_picture",
           "shares_of_cost", "step_sizes", "three_conditions", "three_divergences", "timeline", "trace_accesses",
           "transport_map", "two_clocks", "two_crowds", "two_fits", "two_guesses", "unet", "visited_times", "walks",
           "walks_from", "ways", "ways_and_ends", "who_reads"]
