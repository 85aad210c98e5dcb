"""The effects that an experiment could find, before it starts: from its own metrics over a period that is past."""
