"""A first configuration, drafted from the tables that there are."""
