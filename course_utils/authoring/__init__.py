"""What only authors need: the faces of a notebook, the bank of mistakes, the bundle that students get."""
