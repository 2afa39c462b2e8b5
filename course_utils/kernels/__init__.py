"""Fused kernels: each is one file with its Triton kernel, its plain torch reference and its operator.

    from course_utils.kernels.q_sample import q_sample

A GPU runs the Triton kernel; elsewhere the reference is called directly. `COURSE_KERNELS=reference` or `triton`, set
before the import, overrides this; `triton` without a GPU needs Triton's interpreter, `TRITON_INTERPRET=1`.

Of anybody's kernels tell `interpreter` (what programs load and store), `ahead` (what the compiler makes of them),
`measured` (what torch's own operations move and take) and `cards` (how far from a GPU's roof they are).
"""
