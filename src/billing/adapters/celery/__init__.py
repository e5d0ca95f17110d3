"""Celery adapter: hints of items that wait, over Redis or RabbitMQ, to workers on many machines."""
