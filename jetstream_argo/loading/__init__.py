"""Tables of the embedded warehouse from files and data frames, and what tables there are."""
