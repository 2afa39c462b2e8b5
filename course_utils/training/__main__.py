"""`python -m course_utils.training`: `course train`, as torchrun starts it."""

import argparse
import sys

from course_utils.training import catalogue

if __name__ == "__main__":
    parser = argparse.ArgumentParser("course train")
    catalogue.add_arguments(parser)
    try:
        sys.exit(catalogue.run(parser.parse_args()))
    except (ValueError, OSError) as e:
        sys.exit(f"course train: {e}")
