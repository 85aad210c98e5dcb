"""The sections of the page: a module each, with a function that takes the material and returns the section or None."""
