"""The mathematics of diffusion: paths from data to noise, the steps that walk them back, and what a walk is worth."""
