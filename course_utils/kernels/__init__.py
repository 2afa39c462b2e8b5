"""Fused kernels: each is one file with its Triton kernel, its plain torch reference and its operator.

A GPU runs the Triton kernel; elsewhere the reference is called directly. `COURSE_KERNELS=reference` or `triton`, set
before the import, overrides this; `triton` without a GPU needs Triton's interpreter, `TRITON_INTERPRET=1`.
A function hides its file's name here: `importlib.import_module("course_utils.kernels.q_sample")` is the file.
"""

from course_utils.kernels.ema_update import ema_update
from course_utils.kernels.guided_step import guided_step
from course_utils.kernels.modulated_norm import modulated_norm
from course_utils.kernels.noise import draw_seeds
from course_utils.kernels.q_sample import q_sample
from course_utils.kernels.reparameterize_kl import reparameterize_kl

__all__ = ["draw_seeds", "ema_update", "guided_step", "modulated_norm", "q_sample", "reparameterize_kl"]
