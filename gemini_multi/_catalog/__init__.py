"""Facts about models, each with its source and date: data without behavior. Imports only the types."""
