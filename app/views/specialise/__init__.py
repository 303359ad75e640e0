"""Parts of the page Specialise: a whole data set through one network."""
