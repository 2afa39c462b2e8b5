"""How nbgrader makes the student's version of a notebook; `course build` reads the same file and does the same.

To use nbgrader itself, put this file at the top of its course folder and `solutions/05_ddpm.ipynb` into
`source/05_ddpm/`; then `nbgrader generate_assignment 05_ddpm` gives the notebook that lies in `notebooks/`.
"""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)


class StudentFace(NbGraderPreprocessor):
    """Lets Run All go to the end of an unfilled notebook, and drops what only concerns the executed reference."""

    def preprocess(self, nb, resources):
        """Removes the digest, then goes through the cells."""
        nb.metadata.get("course", {}).pop("digest", None)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        """Tags check and demo cells `raises-exception`."""
        tags = cell.metadata.get("tags", [])
        if "check" in cell.metadata or "demo" in tags:
            cell.metadata["tags"] = [*(t for t in tags if t != "raises-exception"), "raises-exception"]
        return cell, resources


c = get_config()  # noqa: F821 (given by the loader)

c.GenerateAssignment.preprocessors = [
    LockCells, ClearSolutions, ClearOutput, StudentFace, ComputeChecksums, SaveCells, CheckCellMetadata,
]
c.ClearSolutions.code_stub = {"python": "raise Unfinished()"}
c.ClearSolutions.text_stub = "*Write your answer here.*"
c.Execute.timeout = 600  # seconds a cell: demo cells train
