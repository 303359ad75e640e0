"""Training: recipe, loop, resumable state, upcycling, and the checkpoint at the end."""
