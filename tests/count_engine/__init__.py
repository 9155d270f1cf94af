"""The smallest engine: it counts which byte follows which. It proves that the seam takes two."""
