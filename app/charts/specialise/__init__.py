"""Figures of a whole data set through one network: pure functions, for the page Specialise."""
