"""Directories named as the scrub names them."""

import os

for n in range(1, 9):
    os.makedirs(f".scrub-{n}/x/y")
    open(f".scrub-{n}/x/f", "w")
