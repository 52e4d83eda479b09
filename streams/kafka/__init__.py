"""The engine for production: the stages as Faust agents over Kafka, exactly once from topic to topic."""
