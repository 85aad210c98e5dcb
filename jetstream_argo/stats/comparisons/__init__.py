"""How branches compare: the intervals that the statistics put into rows."""
