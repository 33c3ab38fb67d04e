"""Facts about models, each with its source and date: data without behaviour. Imports the types only."""
