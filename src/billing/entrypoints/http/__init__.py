"""The HTTP service: one blueprint module a resource, and what all of them share."""
