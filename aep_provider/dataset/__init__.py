"""The pure core: what a dataset is, what is wanted, and the steps between. No I/O happens here."""
