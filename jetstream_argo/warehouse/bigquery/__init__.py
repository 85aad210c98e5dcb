"""The production warehouse. How its limits are kept, and what it makes, needs and costs, is in `docs/warehouse.md`."""
