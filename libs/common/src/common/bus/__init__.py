"""RabbitMQ: who hears what, how it is retried, and where it ends when it can't be handled."""
