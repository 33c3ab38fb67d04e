"""Facts about models, each with its source and date: data without behavior. This package imports only the types."""
