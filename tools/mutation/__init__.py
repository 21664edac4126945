"""What `mutants.py` is made of: where the code can be mutated, which tests reach it, and whether they notice."""
